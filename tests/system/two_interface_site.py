# SPDX-License-Identifier: Apache-2.0
"""A director between two networks: clients at its interface wan, the backend at lan.

    client eth0 --- wan [ director ] lan --- eth0 backend
"""

import contextlib
import pathlib
import tempfile

from guideway_lab import bpffs
from guideway_lab.admin_client import AdminClient
from guideway_lab.director import built_program, default_build_dir
from guideway_lab.processes import spawn
from guideway_lab.shell import ip_batch, run, sysctl, wait_until

# By family.
CLIENT = {4: "10.83.1.2", 6: "fd83:1::2"}
WAN = {4: "10.83.1.1", 6: "fd83:1::1"}
LAN = {4: "10.83.2.1", 6: "fd83:2::1"}
BACKEND = {4: "10.83.2.2", 6: "fd83:2::2"}
VIP = {4: "10.83.9.9", 6: "fd83:9::9"}
NAT = {4: "10.83.8.8", 6: "fd83:8::8"}
BITS = {4: (24, 32), 6: (64, 128)}
PORT = 80
BACKEND_PORT = 6400

# Answers each connection with what it sent.
_SERVER = """
import asyncio, sys
async def answer(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
async def main():
    await asyncio.start_server(answer, sys.argv[1:], 6400, backlog=512)
    await asyncio.Event().wait()
asyncio.run(main())
"""

# COUNT connections, each sends SIZE bytes and reads them back; prints how many were right.
_CLIENT = """
import os, socket, sys
vip, port, count, size = sys.argv[1], *map(int, sys.argv[2:])
right = 0
for _ in range(count):
    with socket.create_connection((vip, port), timeout=5) as connection:
        data = os.urandom(size)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            right += answer.read() == data
print(right)
"""


def _config(folder, datapath):
    pools = "".join(
        f"""
[[pool]]
name = "web{family}"
forwarding = "nat"
source = "{NAT[family]}"
backends = [{{ name = "b{family}", address = "{BACKEND[family]}", port = {BACKEND_PORT} }}]
[[service]]
name = "web{family}"
address = "{VIP[family]}"
protocol = "tcp"
port = {PORT}
pool = "web{family}"
"""
        for family in (4, 6)
    )
    return f"""\
schema = 1
[director]
name = "{folder.name}"
datapath = "{datapath}"
workers = [0]
state_dir = "{folder}/state"
pin_dir = "{folder}/bpf"
flow_dir = "{folder}/flows"
[capacity]
flows = 100_000
slots = 300_000
[admin]
socket = "{folder}/admin.sock"
status_socket = "{folder}/status.sock"
metrics = ""
[[interface]]
name = "wan"
device = "wan"
[[interface]]
name = "lan"
device = "lan"
{pools}"""


class TwoInterfaceSite:
    """Make with `with`: everything of it is gone afterwards."""

    def __init__(self, datapath):
        self.datapath = datapath
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        with self._undo:
            self._build()
            self._undo = self._undo.pop_all()
        return self

    def __exit__(self, *_):
        self._undo.close()

    def _netns(self, role):
        return f"{self.folder.name}-{role}"

    def _build(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="gwtwo-", dir="/run"))
        self._undo.callback(run, "rm", "-r", "--one-file-system", self.folder)
        for role in ("client", "director", "backend"):
            run("ip", "netns", "add", self._netns(role))
            self._undo.callback(run, "ip", "netns", "del", self._netns(role))
            quick = {"net.ipv6.conf.default.accept_dad": 0, "net.ipv6.conf.all.accept_dad": 0}
            sysctl(self._netns(role), quick)
            ip_batch(self._netns(role), ["link set lo up"])
        self._cable("client", "wan", CLIENT, WAN, VIP)
        self._cable("backend", "lan", BACKEND, LAN, NAT)
        self._start("server", "backend", "/usr/bin/python3", "-c", _SERVER, *BACKEND.values())
        bpffs.mount(self.folder / "bpf")
        self._undo.callback(bpffs.unmount, self.folder / "bpf")
        (self.folder / "guideway.toml").write_text(_config(self.folder, self.datapath))
        program = built_program(default_build_dir(), "src/app/guidewayd")
        self._start("guidewayd", "director", program, "--config", self.folder / "guideway.toml")
        wait_until(self._is_ready, lambda: f"both backends: {self.log()}", timeout=60)

    def _start(self, what, role, *command):
        process = spawn(what, command, self._netns(role), self.folder / f"{what}.log")
        self._undo.callback(process.stop)

    def _cable(self, role, link, theirs, ours, beyond):
        """A veth pair; the other side has routes to what the director answers for."""
        director, other = self._netns("director"), self._netns(role)
        run("ip", "-n", director, *f"link add {link} type veth peer eth0 netns {other}".split())
        # Packets are read before they would leave a machine: checksums have to be in them.
        run("ethtool", "-K", "eth0", "tx", "off", netns=other)
        passing = built_program(default_build_dir(), "bpf/pass.bpf.o")
        ip_batch(other, [f"link set eth0 xdpdrv object {passing} section xdp"])
        for netns, device, addresses in ((director, link, ours), (other, "eth0", theirs)):
            lines = [f"address add {addresses[f]}/{BITS[f][0]} dev {device}" for f in (4, 6)]
            ip_batch(netns, [*lines, f"link set {device} up"])
        ip_batch(other, [f"route add {beyond[f]}/{BITS[f][1]} via {ours[f]}" for f in (4, 6)])

    def status(self):
        with AdminClient(self.folder / "status.sock") as client:
            return client.ask("GET", "/v1/status").body

    def _is_ready(self):
        try:
            pools = self.status()["pools"]
        except OSError:
            return False
        return all(not backend["reason"] for pool in pools for backend in pool["backends"])

    def log(self):
        return (self.folder / "guidewayd.log").read_text(errors="replace")

    def send(self, family, count, size):
        """How many of `count` connections were answered right."""
        words = ("/usr/bin/python3", "-c", _CLIENT, VIP[family], PORT, count, size)
        return int(run(*words, netns=self._netns("client"), timeout=60).stdout)
