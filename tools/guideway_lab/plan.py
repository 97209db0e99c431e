# SPDX-License-Identifier: Apache-2.0
"""What a lab looks like: names and addresses, computed from a handful of options. Pure values."""

import dataclasses
import ipaddress
import os
import pathlib
import re

from guideway_lab.shell import LabError

MAX_BACKENDS = 16
MODES = ("l2dsr", "ipip", "gre", "gue", "vxlan", "nat")
# The tunnels that guideway-decap ends; the others are the kernel's to end.
DECAP_MODES = ("ipip", "gre", "gue")
FAMILIES = (4, 6)
DATAPATHS = ("dpdk", "afxdp", "xdp")
# Of the backends; with nat the service has another one.
PORT = 6400
NAT_SERVICE_PORT = 80
# A second service, UDP, of the same pool; only some tests have servers for it.
ECHO_PORT = 6500
# The VXLAN device of every backend carries the same MAC: the pool has one inner_mac.
VXLAN = {"vni": 100, "port": 4789, "inner_mac": "02:67:77:00:00:01"}

# The near segment holds client, director and, with l2dsr and nat, the backends; the far one is
# behind the router.
_NETWORKS = {
    4: {"near": "10.77.0.0/24", "far": "10.78.0.0/24"},
    6: {"near": "fd77::/64", "far": "fd78::/64"},
}
_CLIENT, _DIRECTOR, _VIP, _NAT, _NOBODY = 1, 2, 10, 20, 50
_FIRST_BACKEND, _FIRST_CLIENT, _ROUTER = 101, 201, 254
# The client has many addresses, since one has too few ports for a long run.
_CLIENT_ADDRESSES = 16


@dataclasses.dataclass(frozen=True)
class Plan:
    """The options of one lab, and everything that follows from them."""

    name: str = "lab"
    backends: int = 3
    mode: str = "l2dsr"
    family: int = 4
    workers: int = 1
    datapath: str = "dpdk"
    scheduler: str = "maglev"
    # What SIGTERM leaves behind.
    on_stop: str = "detach"
    # Of the health check, for example "200ms"; without it, backends are not checked.
    health_interval: str = ""
    health_protocol: str = "http"
    # Further lines of the director's table, of the pool's and of its health check's.
    director_keys: str = ""
    pool_keys: str = ""
    health_keys: str = ""

    def __post_init__(self):
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", self.name):
            raise LabError(f"'{self.name}' is no lab name: use 1 to 32 of A-Z a-z 0-9 . _ -")
        if not 1 <= self.backends <= MAX_BACKENDS:
            raise LabError(f"{self.backends} backends: use 1 to {MAX_BACKENDS}")
        if self.mode not in MODES or self.family not in FAMILIES:
            raise LabError(f"use one of the modes {MODES} and one of the families {FAMILIES}")
        if self.datapath not in DATAPATHS or self.on_stop not in ("keep", "detach"):
            raise LabError(f"use one of the datapaths {DATAPATHS}, and on_stop keep or detach")
        if not 1 <= self.workers <= os.cpu_count():
            raise LabError(f"{self.workers} workers: this machine has {os.cpu_count()} CPUs")

    # Names.

    @property
    def run_dir(self):
        """Holds configuration, sockets, logs and the state of the lab."""
        return pathlib.Path(f"/run/gwlab-{self.name}")

    @property
    def director_name(self):
        """director.name in the configuration."""
        return f"gwlab-{self.name}"

    @property
    def roles(self):
        """One namespace each."""
        router = ["router"] if self.routed else []
        return ["client", "director", "switch", *router, *self.backend_names]

    @property
    def backend_names(self):
        return [f"backend{i + 1}" for i in range(self.backends)]

    def netns(self, role):
        """The namespace's name, as `ip netns` lists it."""
        return f"{netns_prefix(self.name)}{role}"

    # Addresses, as text.

    @property
    def routed(self):
        """Whether the backends stand behind a router."""
        return self.mode not in ("l2dsr", "nat")

    @property
    def service_port(self):
        return NAT_SERVICE_PORT if self.mode == "nat" else PORT

    @property
    def kernel_nic(self):
        """Whether the kernel drives the director's NIC, and not DPDK."""
        return self.datapath != "dpdk"

    @property
    def bpffs(self):
        """Where guidewayd pins its programs and maps."""
        return self.run_dir / "bpf"

    @property
    def prefix_length(self):
        return self._network("near").prefixlen

    @property
    def host_length(self):
        return 32 if self.family == 4 else 128

    @property
    def client_address(self):
        return self._address("near", _CLIENT)

    @property
    def client_addresses(self):
        """More addresses of the client, to send from in turn."""
        return [self._address("near", _FIRST_CLIENT + i) for i in range(_CLIENT_ADDRESSES)]

    @property
    def director_address(self):
        return self._address("near", _DIRECTOR)

    @property
    def vip(self):
        return self._address("near", _VIP)

    @property
    def nat_address(self):
        """What backends see as the client with nat."""
        return self._address("near", _NAT)

    @property
    def nobody_address(self):
        """An address of the near segment that nothing has."""
        return self._address("near", _NOBODY)

    @property
    def router_addresses(self):
        """The router's addresses on the near and the far segment."""
        return self._address("near", _ROUTER), self._address("far", _ROUTER)

    @property
    def far_network(self):
        return str(self._network("far"))

    def backend_address(self, name):
        index = self.backend_names.index(name)
        return self._address("far" if self.routed else "near", _FIRST_BACKEND + index)

    @property
    def url(self):
        """The service, for HTTP clients."""
        return self.url_of(self.vip, self.service_port)

    def url_of(self, address, port=PORT):
        host = f"[{address}]" if self.family == 6 else address
        return f"http://{host}:{port}/"

    @property
    def worker_cpus(self):
        """The last CPUs: the first ones are busy with everything else."""
        return list(range(os.cpu_count() - self.workers, os.cpu_count()))

    def _network(self, segment):
        return ipaddress.ip_network(_NETWORKS[self.family][segment])

    def _address(self, segment, host):
        # IPv6 shows hexadecimal digits: host 101 is ::101.
        return str(self._network(segment)[int(str(host), 16) if self.family == 6 else host])


def netns_prefix(lab_name):
    return f"gwlab-{lab_name}-"
