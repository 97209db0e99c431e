# SPDX-License-Identifier: Apache-2.0
"""tools/bench steer: from a health check's failing answer to the first packet that is sent elsewhere.

One process answers the checks of all backends and sends the packets, so there is one clock. A check of
the victim is answered by 503; from then on new flows that would be the victim's are sent, four a
millisecond, each known beforehand from a packet of a second before, whose entry has expired since.
"""

import collections
import gc
import random
import select
import socket
import statistics
import time

from guideway_lab import raw_packets
from guideway_lab.shell import wait_until

from .build import Failed
from .site import Site, backend_address

_BACKENDS = 1000
_VIP, _PORT, _CHECK_PORT = "203.0.113.10", 5000, 8080
_FLOWS_OF_A_BACKEND = 100
_PORTS = range(1024, 65536)
# Between packets at first and after the 60th, so that 100 flows last for 130 ms.
_QUICK_S, _SLOW_S, _QUICK_ONES = 0.00025, 0.003, 60
# A generation follows the one before after 100 ms at the earliest: what is measured comes alone.
_APART_S = 0.25
_EXPIRED_S = 3
_NEVER_MS = 1000.0
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_SICK = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Checks:
    """Answers the health checks of every backend."""

    def __init__(self, netns):
        self.sick = set()
        self._listener = raw_packets.in_namespace(
            netns, lambda: socket.create_server(("", _CHECK_PORT), backlog=4096)
        )
        self._listener.setblocking(False)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._clients = {}

    def close(self):
        for client in (*self._clients.values(), self._listener):
            client.close()
        self._poll.close()

    def answer(self, timeout_s):
        """Waits so long for something to do; yields each backend that has been answered, at once."""
        for fd, _ in self._poll.poll(timeout_s):
            if fd == self._listener.fileno():
                self._accept()
            else:
                yield self._respond(fd)

    def _accept(self):
        client, _ = self._listener.accept()
        client.setblocking(False)
        self._clients[client.fileno()] = client
        self._poll.register(client, select.EPOLLIN)

    def _respond(self, fd):
        client = self._clients.pop(fd)
        self._poll.unregister(fd)
        address = client.getsockname()[0]
        try:
            if client.recv(4096):
                client.send(_SICK if address in self.sick else _OK)
        except OSError:
            pass  # the check was given up: it will come again
        client.close()
        return address


def run(build, options):
    """Returns the exit code."""
    transitions = options.rounds or (5 if options.quick else 100)
    with Site(build) as site:
        checks = Checks(site.peer)
        try:
            return _report(_measure(site, checks, transitions), options.output)
        finally:
            checks.close()


def _measure(site, checks, transitions):
    site.write_config("backends = 2048\nslots = 200_000", _pool())
    site.start()
    flows = _learn(site, checks)
    if len(flows) < _BACKENDS:
        raise Failed(f"{_BACKENDS - len(flows)} backends have no flow: too few were tried")
    _serve(checks, _EXPIRED_S)
    gc.disable()  # a pause of ours would look like one of guidewayd's
    victims = random.sample(sorted(flows), transitions)
    return [_one(site, checks, victim, flows[victim]) for victim in victims]


def _pool():
    entries = "".join(
        f'  {{ name = "b{i}", address = "{backend_address(i)}" }},\n' for i in range(_BACKENDS)
    )
    return f"""
[[pool]]
name = "web"
forwarding = "ipip"
backends = [
{entries}]
[pool.health_check]
port = {_CHECK_PORT}
interval = "2s"
timeout = "1s"
healthy_threshold = 1
unhealthy_threshold = 1
flap_hold = "0s"
[[service]]
name = "web"
address = "{_VIP}"
protocol = "udp"
port = {_PORT}
pool = "web"
vip = "routed"
idle_timeout = "1s"
"""


def _learn(site, checks):
    """{backend: frames of flows that are its own}."""
    count = _BACKENDS * _FLOWS_OF_A_BACKEND
    sources = [(f"198.18.0.{1 + i // len(_PORTS)}", _PORTS[i % len(_PORTS)]) for i in range(count)]
    flows = collections.defaultdict(list)
    for start in range(0, count, 5000):
        part = {s: site.frame(raw_packets.Flow("udp", *s, _VIP, _PORT)) for s in sources[start : start + 5000]}
        for source, backend in site.learn(part).items():
            flows[backend].append((source, part[source]))
        _serve(checks, 0.02)
    return flows


def _serve(checks, seconds):
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        for _ in checks.answer(left):
            pass


def _one(site, checks, victim, flows):
    """Milliseconds for one backend; _NEVER_MS: not within its flows."""
    _serve(checks, _APART_S)
    checks.sick.add(victim)
    began = None

    def has_failed():
        return any(address == victim for address in checks.answer(0.1))

    wait_until(has_failed, "a check of the victim", 5, interval=0)
    began = time.monotonic()
    sent = {}
    due = began
    for number, (source, frame) in enumerate(flows):
        while time.monotonic() < due:
            pass
        sent[source] = time.monotonic()
        site.send([frame])
        due += _QUICK_S if number < _QUICK_ONES else _SLOW_S
        for arrival in site.arrivals():
            if arrival.source in sent and arrival.backend != victim:
                return (sent[arrival.source] - began) * 1000
    return _NEVER_MS


def _report(times_ms, output):
    row = {
        "bench": "steer",
        "backends": _BACKENDS,
        "transitions": len(times_ms),
        "median_ms": round(statistics.median(times_ms), 2),
        "p95_ms": round(sorted(times_ms)[(len(times_ms) - 1) * 95 // 100], 2),
        "worst_ms": round(max(times_ms), 2),
    }
    output.row("steer", row, [
        "", f"{_BACKENDS} backends, {len(times_ms)} that fail, one after the other: from the answer to the "
        "first packet elsewhere", f"median {row['median_ms']} ms, 95 % within {row['p95_ms']} ms, "
        f"worst {row['worst_ms']} ms"])
    return 1 if max(times_ms) >= _NEVER_MS else 0
