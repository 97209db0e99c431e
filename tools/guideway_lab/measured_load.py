# SPDX-License-Identifier: Apache-2.0
"""Controls what measures the death of a director: the load, the XDP program's watcher, a counter.

Each is a context manager that ends what it started.
"""

import contextlib
import json
import pathlib

from guideway_lab.client_process import ClientProcess
from guideway_lab.load_client import Figures
from guideway_lab.network import KERNEL_NIC
from guideway_lab.plan import ECHO_PORT, PORT
from guideway_lab.processes import spawn
from guideway_lab.shell import run, wait_until

_HERE = pathlib.Path(__file__).parent
_PYTHON = ("/usr/bin/python3", "-B")
_NFT_TABLE = """\
table inet guideway_lab {{
  counter vip {{}}
  chain incoming {{
    type filter hook prerouting priority raw;
    iifname "{nic}" {ip} daddr {vip} tcp dport {port} counter name vip
    iifname "{nic}" {ip} daddr {vip} udp dport {echo} counter name vip
  }}
}}
"""


class MeasuredLoad:
    """load_client.py in the client's namespace, and what it needs at the backends."""

    def __init__(self, plan, connections=200, timeout_s=5):
        self._plan = plan
        arguments = (plan.vip, PORT, ECHO_PORT, connections, timeout_s)
        self._client = ClientProcess(plan, "load_client.py", arguments)

    def __enter__(self):
        start_echo_servers(self._plan)
        self._client.start()
        try:
            self.figures_after(0)  # every connection has had its first answer
        except BaseException:
            self._client.end()
            raise
        return self

    def __exit__(self, *exception):
        self._client.end()

    def figures_after(self, seconds):
        """Waits so long and until every connection had an answer; what was seen since last time."""
        return Figures(**self._client.ask(seconds))


@contextlib.contextmanager
def watch_xdp(plan):
    """Yields a function that ends the watch and returns what xdp_watch.py saw."""
    watcher = ClientProcess(plan, "xdp_watch.py", (KERNEL_NIC,), "director")
    watcher.start()
    try:
        watcher.answer()  # it watches
        yield watcher.ask
    finally:
        watcher.end()


def count_vip_packets(plan):
    """From now on, the director's own stack counts packets for the services; see vip_packets()."""
    ip = "ip6" if plan.family == 6 else "ip"
    table = _NFT_TABLE.format(nic=KERNEL_NIC, ip=ip, vip=plan.vip, port=PORT, echo=ECHO_PORT)
    run("nft", "-f", "-", netns=plan.netns("director"), input=table)


def vip_packets(plan):
    """How many packets for a service came into the director's own stack."""
    command = ("nft", "-j", "list", "counter", "inet", "guideway_lab", "vip")
    answer = json.loads(run(*command, netns=plan.netns("director")).stdout)
    return next(entry["counter"]["packets"] for entry in answer["nftables"] if "counter" in entry)


def start_echo_servers(plan):
    """They end with the lab."""
    for name in plan.backend_names:
        command = (*_PYTHON, _HERE / "udp_echo.py", plan.vip, ECHO_PORT, name)
        spawn(f"echo of {name}", command, plan.netns(name), plan.run_dir / name / "echo.out")
    for name in plan.backend_names:
        listens = ("ss", "-Hlun", "sport", "=", f":{ECHO_PORT}")
        wait_until(
            lambda name=name: run(*listens, netns=plan.netns(name)).stdout,
            f"the echo server of {name}; see {plan.run_dir}/{name}/echo.out",
        )
