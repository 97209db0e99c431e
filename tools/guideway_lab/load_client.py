# SPDX-License-Identifier: Apache-2.0
"""Measures silence: load_client.py ADDRESS HTTP_PORT UDP_PORT CONNECTIONS TIMEOUT_S.

Three kinds of traffic at once: kept HTTP connections that number their requests, a stream of new
connections of one request each, and UDP datagrams at a constant rate that backends send back with
their name. A line "SECONDS" on standard input is answered, once so much time has passed, every kept
connection has had a request answered since, and every new one that was out has ended, by one line:
a JSON object, see Figures; the figures start anew then. The end of standard input ends the program.
One process with epoll and no thread: it must not be slower than what it measures.
"""

import dataclasses
import heapq
import itertools
import json
import os
import select
import socket
import sys
import time

_REQUEST_INTERVAL_S = 0.05
_NEW_INTERVAL_S = 0.02
_ECHO_INTERVAL_S = 0.002


@dataclasses.dataclass
class Figures:
    """What was seen since the last report. Silence: a request was out and nothing came."""

    answers: int = 0
    failed: list[str] = dataclasses.field(default_factory=list)
    moved: list[str] = dataclasses.field(default_factory=list)
    # The longest silence of any kept connection.
    silence_ms: float = 0.0
    new_connections: int = 0
    new_longest_ms: float = 0.0
    echoes_sent: int = 0
    echoes: int = 0
    # The longest time between two echoes.
    echo_outage_ms: float = 0.0


class HttpConnection:
    """One connection; `answered` counts. A kept one goes on until an error."""

    def __init__(self, client, is_kept):
        self.is_kept = is_kept
        self.backend = ""
        self.answered = 0
        self.has_sent = 0.0  # when the open request, or the connection, was sent; 0: none is open
        self.error = ""
        self._client = client
        self._buffer = b""
        self._connected = False
        self.socket = socket.socket(client.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.has_sent = time.monotonic()
        if self.socket.connect_ex((client.address, client.http_port)) not in (0, 115):
            raise OSError(f"cannot connect to {client.address}")
        client.watch(self, select.EPOLLOUT)

    def on_event(self, now):
        try:
            if not self._connected:
                self._on_connected()
            else:
                self._on_bytes(now)
        except (OSError, ValueError, KeyError) as error:
            self.fail(f"{type(error).__name__}: {error}")

    def send_request(self, now):
        number = self.answered + 1
        self.has_sent = self.has_sent or now
        try:
            self.socket.send(self._client.request % number)
        except OSError as error:
            self.fail(f"{type(error).__name__}: {error}")

    def fail(self, error):
        self.error = error
        kind = "kept" if self.is_kept else "new"
        self._client.figures.failed.append(f"{kind} connection to {self.backend or '?'}: {error}")
        self.close()

    def close(self):
        self.has_sent = 0.0
        self._client.forget(self)

    def _on_connected(self):
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(os.strerror(error))
        self._connected = True
        self._client.watch(self, select.EPOLLIN)
        self.send_request(self.has_sent)

    def _on_bytes(self, now):
        received = self.socket.recv(65536)
        if not received:
            raise OSError("closed by the other side")
        self._buffer += received
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        status, *lines = head.decode("latin-1").split("\r\n")
        fields = dict(line.lower().split(": ", 1) for line in lines)
        if len(body) < int(fields["content-length"]):
            return
        self._buffer = b""
        number = self.answered + 1
        if " 200 " not in status or fields.get("x-request-number") != str(number):
            raise ValueError(f"request {number} was answered by {status}, {fields}")
        self.answered = number
        self._client.on_answer(self, body.decode().strip(), now)


class EchoStream:
    """Numbered datagrams of one flow at a constant rate."""

    def __init__(self, client):
        self._client = client
        self._backend = ""
        self._sent = 0
        self.last = 0.0
        self.socket = socket.socket(client.family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.connect((client.address, client.udp_port))
        client.watch(self, select.EPOLLIN)

    def send(self):
        self._sent += 1
        self._client.figures.echoes_sent += 1
        try:
            self.socket.send(b"%d" % self._sent)
        except OSError:
            pass  # Not come back is how its loss is counted.

    def on_event(self, now):
        figures = self._client.figures
        try:
            backend = self.socket.recv(2048).decode().partition(" ")[0]
        except OSError as error:
            figures.failed.append(f"echo: {error}")
            return
        if self._backend and backend != self._backend:
            figures.moved.append(f"echo: from {self._backend} to {backend}")
        self._backend = backend
        figures.echoes += 1
        self.note_outage(now)
        self.last = now

    def note_outage(self, now):
        if self.last:
            figures = self._client.figures
            figures.echo_outage_ms = max(figures.echo_outage_ms, (now - self.last) * 1e3)


class Client:
    """The loop: sockets, timers, and the control line."""

    def __init__(self, address, http_port, udp_port, count, timeout_s):
        self.family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.address, self.http_port, self.udp_port = address, http_port, udp_port
        host = f"[{address}]" if ":" in address else address
        head = f"GET / HTTP/1.1\r\nHost: {host}\r\nX-Request-Number: "
        self.request = head.encode() + b"%d\r\n\r\n"
        self.figures = Figures()
        self._timeout_s = timeout_s
        self._epoll = select.epoll()
        self._by_fd = {}
        self._timers = []
        self._order = itertools.count()
        self._new = set()
        self._is_reporting = False
        self._waits_for = set()
        self._kept = [HttpConnection(self, True) for _ in range(count)]
        self._echo = EchoStream(self)

    def run(self):
        now = time.monotonic()
        self._at(now, self._next_new)
        self._at(now, self._next_echo)
        self._at(now, self._check_timeouts)
        control = sys.stdin.fileno()
        self._epoll.register(control, select.EPOLLIN)
        while True:
            wait = max(0.0, self._timers[0][0] - time.monotonic())
            for fd, _ in self._epoll.poll(wait):
                if fd == control:
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self._at(time.monotonic() + float(line), self._begin_report)
                elif fd in self._by_fd:
                    self._by_fd[fd].on_event(time.monotonic())
            while self._timers[0][0] <= time.monotonic():
                due, _, action = heapq.heappop(self._timers)
                action(due)

    def watch(self, owner, events):
        fd = owner.socket.fileno()
        if fd in self._by_fd:
            self._epoll.modify(fd, events)
        else:
            self._by_fd[fd] = owner
            self._epoll.register(fd, events)

    def forget(self, connection):
        fd = connection.socket.fileno()
        if fd >= 0:
            self._epoll.unregister(fd)
            del self._by_fd[fd]
            connection.socket.close()
        self._new.discard(connection)
        self._no_longer_waits_for(connection)

    def on_answer(self, connection, backend, now):
        took_ms = (now - connection.has_sent) * 1e3
        connection.has_sent = 0.0
        if not connection.is_kept:
            self.figures.new_connections += 1
            self.figures.new_longest_ms = max(self.figures.new_longest_ms, took_ms)
            connection.close()
            return
        self.figures.answers += 1
        self.figures.silence_ms = max(self.figures.silence_ms, took_ms)
        if connection.backend and connection.backend != backend:
            self.figures.moved.append(f"from {connection.backend} to {backend}")
        connection.backend = backend
        self._at(now + _REQUEST_INTERVAL_S, lambda _: self._next_request(connection))
        self._no_longer_waits_for(connection)

    def _at(self, due, action):
        heapq.heappush(self._timers, (due, next(self._order), action))

    def _next_request(self, connection):
        if not connection.error:
            connection.send_request(time.monotonic())

    def _next_new(self, due):
        self._new.add(HttpConnection(self, False))
        self._at(due + _NEW_INTERVAL_S, self._next_new)

    def _next_echo(self, due):
        self._echo.send()
        self._at(due + _ECHO_INTERVAL_S, self._next_echo)

    def _check_timeouts(self, _):
        now = time.monotonic()
        for connection in [*self._kept, *self._new]:
            if connection.has_sent and now - connection.has_sent > self._timeout_s:
                connection.fail(f"no answer within {self._timeout_s} s")
        self._at(now + 0.1, self._check_timeouts)

    def _begin_report(self, _):
        """Whatever is out now has to be answered first, so that no silence is cut in two."""
        self._is_reporting = True
        self._waits_for = {connection for connection in self._kept if not connection.error}
        self._waits_for |= self._new
        self._report_if_complete()

    def _no_longer_waits_for(self, connection):
        self._waits_for.discard(connection)
        if self._is_reporting:
            self._report_if_complete()

    def _report_if_complete(self):
        if self._waits_for:
            return
        self._is_reporting = False
        self._echo.note_outage(time.monotonic())
        print(json.dumps(dataclasses.asdict(self.figures)), flush=True)
        self.figures = Figures()


if __name__ == "__main__":
    Client(sys.argv[1], *map(int, sys.argv[2:])).run()
