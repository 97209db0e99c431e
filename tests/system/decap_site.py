# SPDX-License-Identifier: Apache-2.0
"""A backend host with guideway-decap, and on the other end of its cable whoever sends to it."""

import json
import os
import pathlib
import subprocess

from guideway_lab.director import built_program, default_build_dir
from guideway_lab.shell import in_netns, ip_batch, ip_json, run, sysctl

# By family.
DIRECTOR = {4: "10.79.0.1", 6: "fd79::1"}
STRANGER = {4: "10.79.0.9", 6: "fd79::9"}
BACKEND = {4: "10.79.0.2", 6: "fd79::2"}
CLIENT = {4: "10.80.0.7", 6: "fd80::7"}
VIP = {4: "10.81.0.10", 6: "fd81::10"}
PORT = 6400

_SYSCTLS = {
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.all.accept_dad": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
}

# Echoes datagrams sent to the VIPs, from the address that they were sent to.
_ECHO = """
import selectors, socket, sys
sockets = selectors.DefaultSelector()
for address in sys.argv[2:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, int(sys.argv[1])))
    sockets.register(server, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in sockets.select():
        data, peer = key.fileobj.recvfrom(65535)
        key.fileobj.sendto(data, peer)
"""

# Sends one frame and waits for a datagram to ADDRESS and PORT; prints where it came from and what
# it said.
_SEND_FRAME = """
import socket, sys
address, port, frame = sys.argv[1], int(sys.argv[2]), bytes.fromhex(sys.argv[3])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
answers = socket.socket(family, socket.SOCK_DGRAM)
answers.bind((address, port))
answers.settimeout(5)
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
wire.send(frame)
if len(sys.argv) == 4:
    data, peer = answers.recvfrom(65535)
    print(peer[0], data.decode())
"""

# COUNT datagrams from ADDRESS to VIP and PORT, each answered before the next; prints how many were.
_ASK = """
import socket, sys
address, vip, port, count, size = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
asking = socket.socket(family, socket.SOCK_DGRAM)
asking.bind((address, 0))
asking.connect((vip, port))
asking.settimeout(2)
answered = 0
for number in range(count):
    asking.send(str(number).encode().ljust(size))
    answered += asking.recv(65535).decode().rstrip() == str(number)
print(answered)
"""


class DecapSite:
    """Make with `with`: everything of it is gone afterwards."""

    def __init__(self, mode):
        self.mode = mode
        self.sender = f"gwdecap-{os.getpid()}-sender"
        self.backend = f"gwdecap-{os.getpid()}-backend"
        self._folder = pathlib.Path(f"/run/gwdecap-{os.getpid()}")
        self._echo = None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._echo:
            self._echo.kill()
            self._echo.wait()
            self._echo.stdout.close()
        for netns in (self.sender, self.backend):
            run("ip", "netns", "del", netns, check=False)
        run("umount", self._folder, check=False)
        if self._folder.exists():
            self._folder.rmdir()

    def tool(self, *arguments, check=True):
        """Runs guideway-decap on the backend's eth0."""
        program = built_program(default_build_dir(), "src/decap/guideway-decap")
        pin = ("--pin-dir", self._folder / "eth0")
        return run(
            program, arguments[0], "eth0", *arguments[1:], *pin, netns=self.backend, check=check
        )

    def attach(self, check=True):
        allowed = ("--from", *DIRECTOR.values(), "--vip", *VIP.values())
        return self.tool("attach", *allowed, "--mode", self.mode, check=check)

    def status(self):
        return json.loads(self.tool("status", "--json").stdout)

    def packets(self, reason):
        return self.status()["packets"][reason]

    def mac(self, netns):
        return ip_json(netns, "link", "show", "eth0")[0]["address"]

    def exchange(self, frame, family, port):
        """Sends a frame and returns the datagram that the client gets: (from, text)."""
        arguments = (CLIENT[family], port, bytes(frame).hex())
        answer = self._python(self.sender, _SEND_FRAME, *arguments).stdout
        address, _, text = answer.strip().partition(" ")
        return address, text

    def send(self, frame):
        """Sends a frame; nobody waits for an answer."""
        self._python(self.sender, _SEND_FRAME, CLIENT[4], 0, bytes(frame).hex(), "no answer")

    def ask(self, family, count, size=20):
        """The client's datagrams to the VIP by the sender's routes; started, not awaited."""
        arguments = (CLIENT[family], VIP[family], PORT, count, size)
        return subprocess.Popen(
            in_netns(self.sender, ["/usr/bin/python3", "-c", _ASK, *arguments]),
            stdout=subprocess.PIPE,
            text=True,
        )

    def _python(self, netns, script, *arguments):
        return run("/usr/bin/python3", "-c", script, *arguments, netns=netns)

    def _build(self):
        for netns in (self.sender, self.backend):
            run("ip", "netns", "add", netns)
            sysctl(netns, _SYSCTLS)
            ip_batch(netns, ["link set lo up"])
        ip_batch(self.sender, [f"link add eth0 type veth peer name eth0 netns {self.backend}"])
        for netns in (self.sender, self.backend):
            # Checksums have to be in the packets, and the packets as large as they are said to be.
            offloads = ("tx", "off", "tso", "off", "gso", "off", "gro", "off")
            run("ethtool", "-K", "eth0", *offloads, netns=netns)
            ip_batch(netns, ["link set eth0 up"])
        for family, length in ((4, 24), (6, 64)):
            nodad = " nodad" if family == 6 else ""
            host = 32 if family == 4 else 128
            ip_batch(
                self.sender,
                [
                    f"address add {DIRECTOR[family]}/{length} dev eth0{nodad}",
                    f"address add {CLIENT[family]}/{host} dev lo{nodad}",
                ],
            )
            ip_batch(
                self.backend,
                [
                    f"address add {BACKEND[family]}/{length} dev eth0{nodad}",
                    f"address add {VIP[family]}/{host} dev lo{nodad}",
                    f"route add default via {DIRECTOR[family]}",
                ],
            )
        self._folder.mkdir()
        run("mount", "-t", "bpf", "-o", "mode=0700", "bpf", self._folder)
        self._start_echo()
        self.attach()

    def _start_echo(self):
        command = ("/usr/bin/python3", "-c", _ECHO, PORT, *VIP.values())
        self._echo = subprocess.Popen(
            in_netns(self.backend, command), stdout=subprocess.PIPE, text=True
        )
        assert self._echo.stdout.readline() == "ready\n"
