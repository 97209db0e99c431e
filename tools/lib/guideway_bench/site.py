# SPDX-License-Identifier: Apache-2.0
"""A running guidewayd, datapath xdp, between one cable and thousands of backends.

Two namespaces: `lb` with guidewayd, and `peer`, which is client, gateway and, by a local route, every
backend of 10.50.0.0/16. Forwarding is by IP-in-IP: a packet's outer destination says whose it is.
"""

import collections
import dataclasses
import os
import pathlib
import shutil
import socket
import struct

from guideway_lab import bpffs, raw_packets
from guideway_lab.admin_client import AdminClient
from guideway_lab.processes import spawn
from guideway_lab.shell import LabError, ip_batch, run, wait_until

_START_S = 60
_GATEWAY, _DIRECTOR, _NETWORK = "10.77.0.1", "10.77.0.2", "10.50.0.0/16"
_LB_MAC, _PEER_MAC = "02:67:77:00:00:02", "02:67:77:00:00:01"
_ETHERNET, _OUTER = 14, 20
# The first CPU is for whoever measures, and for the packets that it sends.
_OTHER_CPUS = ("taskset", "-c", f"1-{os.cpu_count() - 1}") if os.cpu_count() > 1 else ()


@dataclasses.dataclass(frozen=True)
class Arrival:
    """Whose a packet was: the backend's address, and the client's address and port."""

    backend: str
    source: tuple


def backend_address(number):
    """Of backend 0 to 65023."""
    return f"10.50.{number // 254}.{number % 254 + 1}"


class Site:
    """Use it by `with`; write_config() and start() are the caller's."""

    def __init__(self, build):
        self.name = f"gwbench-{os.getpid()}"
        self.run_dir = pathlib.Path(f"/run/{self.name}")
        self._build = build
        self._process = None
        self._raw = None
        self._cpus = os.sched_getaffinity(0)

    @property
    def config_file(self):
        return self.run_dir / "guideway.toml"

    @property
    def log_file(self):
        return self.run_dir / "guidewayd.log"

    @property
    def peer(self):
        return f"{self.name}-peer"

    @property
    def _lb(self):
        return f"{self.name}-lb"

    def __enter__(self):
        if os.geteuid() != 0:
            raise LabError("network namespaces need root: run it by sudo")
        self.run_dir.mkdir()
        try:
            os.sched_setaffinity(0, {0})
            self._make_network()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.sched_setaffinity(0, self._cpus)
        if self._raw:
            self._raw.close()
        if self._process:
            self._process.stop()
        for netns in (self._lb, self.peer):
            run("ip", "netns", "del", netns, check=False)
        bpffs.unmount(self.run_dir / "bpf")
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def write_config(self, capacity, pools):
        """`capacity`: lines of that table; `pools`: the text of pools and services."""
        self.config_file.write_text(
            f"""schema = 1
[director]
name = "{self.name}"
datapath = "xdp"
state_dir = "{self.run_dir}/state"
pin_dir = "{self.run_dir}/bpf"
on_stop = "detach"
[capacity]
{capacity}
[admin]
socket = "{self.run_dir}/admin.sock"
status_socket = "{self.run_dir}/status.sock"
metrics = ""
[[interface]]
name = "wan"
device = "eth0"
{pools}
"""
        )

    def start(self):
        """Starts guidewayd and waits until every backend can be sent to."""
        command = (*_OTHER_CPUS, self._build / "src/app/guidewayd", "--config", self.config_file)
        self._process = spawn("guidewayd", command, self._lb, self.log_file)
        try:
            wait_until(lambda: self._process.wait(0) or self._is_ready(), "guidewayd", _START_S)
        except LabError as error:
            raise LabError(f"{error}; {self._last_words()}") from None
        if self._process.wait(0):
            raise LabError(f"guidewayd ended; {self._last_words()}")

    def admin(self):
        return AdminClient(self.run_dir / "admin.sock")

    def status(self):
        with AdminClient(self.run_dir / "status.sock") as client:
            return client.ask("GET", "/v1/status").body

    def send(self, frames):
        for frame in frames:
            self._raw.send(frame)

    def arrivals(self):
        """What guidewayd has forwarded and nobody has looked at yet."""
        for frame in raw_packets.arrivals(self._raw):
            ip = frame[_ETHERNET:]
            if len(ip) < _OUTER + 28 or ip[9] != socket.IPPROTO_IPIP:
                continue
            inner = ip[_OUTER:]
            port = struct.unpack_from("!H", inner, 20)[0]
            yield Arrival(socket.inet_ntoa(ip[16:20]), (socket.inet_ntoa(inner[12:16]), port))

    def learn(self, frames_by_source, burst=200):
        """Sends each frame once; {source: backend}. All have to arrive."""
        pending = collections.deque(frames_by_source.items())
        found = {}
        while pending:
            part = [pending.popleft() for _ in range(min(burst, len(pending)))]
            self.send(frame for _, frame in part)

            def is_complete(part=part):
                found.update((arrival.source, arrival.backend) for arrival in self.arrivals())
                return all(source in found for source, _ in part)

            wait_until(is_complete, "every packet at a backend", 10, interval=0.001)
        return found

    def frame(self, flow):
        return raw_packets.ethernet(_LB_MAC, _PEER_MAC) + raw_packets.packet(flow)

    def _make_network(self):
        for netns in (self._lb, self.peer):
            run("ip", "netns", "add", netns)
            ip_batch(netns, ["link set lo up"])
        link = f"link add eth0 address {_PEER_MAC} type veth peer name eth0 address {_LB_MAC}"
        ip_batch(self.peer, [f"{link} netns {self._lb}"])
        for netns in (self._lb, self.peer):
            run("ethtool", "-K", "eth0", "tx", "off", netns=netns)
        program = self._build / "bpf/pass.bpf.o"  # XDP_TX needs a native program on the other side
        words = ("link", "set", "eth0", "xdpdrv", "object", program, "section", "xdp")
        run("ip", *words, netns=self.peer)
        ip_batch(self.peer, [f"address add {_GATEWAY}/24 dev eth0", "link set eth0 up",
                             f"route add local {_NETWORK} dev lo"])
        ip_batch(self._lb, [f"address add {_DIRECTOR}/24 dev eth0", "link set eth0 up",
                            f"route add {_NETWORK} via {_GATEWAY}"])
        bpffs.mount(self.run_dir / "bpf")
        self._raw = raw_packets.open_socket(self.peer, "eth0")
        # Health checks are thousands of frames a second: whoever times something would read them first.
        raw_packets.keep_only(self._raw, socket.IPPROTO_IPIP)

    def _is_ready(self):
        try:
            pools = self.status()["pools"]
        except (OSError, ValueError):
            return False
        return all(backend["slots"] for pool in pools for backend in pool["backends"])

    def _last_words(self):
        return " | ".join(self.log_file.read_text(errors="replace").splitlines()[-3:])
