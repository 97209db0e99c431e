# SPDX-License-Identifier: Apache-2.0
"""Controls what measures the death of a director: the load, the XDP program's watcher, a counter.

Each is a context manager that ends what it started.
"""

import contextlib
import json
import pathlib
import subprocess

from guideway_lab.load_client import Figures
from guideway_lab.network import KERNEL_NIC
from guideway_lab.plan import ECHO_PORT, PORT
from guideway_lab.processes import spawn
from guideway_lab.shell import LabError, in_netns, run, wait_until

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
        self._options = (connections, timeout_s)
        self._client = None

    def __enter__(self):
        _start_echo_servers(self._plan)
        arguments = (self._plan.vip, PORT, ECHO_PORT, *self._options)
        self._client = _start(self._plan, "client", "load_client.py", arguments)
        try:
            self.figures_after(0)  # every connection has had its first answer
        except BaseException:
            _end(self._client)
            raise
        return self

    def __exit__(self, *exception):
        _end(self._client)

    def figures_after(self, seconds):
        """Waits so long and until every connection had an answer; what was seen since last time."""
        return Figures(**json.loads(_ask(self._client, f"{seconds}\n")))


@contextlib.contextmanager
def watch_xdp(plan):
    """Yields a function that ends the watch and returns what xdp_watch.py saw."""
    watcher = _start(plan, "director", "xdp_watch.py", (KERNEL_NIC,))
    try:
        watcher.stdout.readline()

        def result():
            return json.loads(_ask(watcher, "\n"))

        yield result
    finally:
        _end(watcher)


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


def _start_echo_servers(plan):
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


def _start(plan, role, program, arguments):
    return subprocess.Popen(
        in_netns(plan.netns(role), (*_PYTHON, _HERE / program, *arguments)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={"PYTHONPATH": str(_HERE.parent)},
    )


def _ask(process, line):
    try:
        process.stdin.write(line)
        process.stdin.flush()
    except BrokenPipeError:
        raise LabError(f"{process.args[-1]}: the measuring program ended by itself") from None
    answer = process.stdout.readline()
    if not answer:
        raise LabError("the measuring program ended by itself; its error is above")
    return answer


def _end(process):
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdout.close()
