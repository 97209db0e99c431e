# SPDX-License-Identifier: Apache-2.0
"""Controls a keepalive_client.py in the client's namespace."""

import collections
import json
import pathlib
import subprocess

from guideway_lab.keepalive_client import Connection
from guideway_lab.shell import LabError, in_netns, wait_until

_CLIENT = pathlib.Path(__file__).with_name("keepalive_client.py")


class KeptConnections:
    """Connections that go on until the `with` block ends."""

    def __init__(self, plan, count, interval_ms=50):
        self._plan = plan
        self._count = count
        self._interval_ms = interval_ms
        self._client = None

    def __enter__(self):
        arguments = (self._plan.vip, self._plan.service_port, self._count, self._interval_ms)
        self._client = subprocess.Popen(
            in_netns(self._plan.netns("client"), ("/usr/bin/python3", "-B", _CLIENT, *arguments)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self.wait_for_answers(3)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        self._end()

    def look(self):
        """The connections as they are now."""
        try:
            self._client.stdin.write("\n")
            self._client.stdin.flush()
        except BrokenPipeError:
            raise LabError("the client of the kept connections ended by itself") from None
        return [Connection(**entry) for entry in json.loads(self._client.stdout.readline())]

    def wait_for_answers(self, more, timeout=30):
        """Waits until each connection has `more` answers than now, or an error; returns them."""
        before = [connection.answered for connection in self.look()] if more else []

        def grown():
            now = self.look()
            done = all(c.error or c.answered >= b + more for c, b in zip(now, before, strict=True))
            return now if done else None

        return wait_until(grown, f"{more} answers on each of {self._count} connections", timeout)

    def _end(self):
        self._client.stdin.close()
        try:
            self._client.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._client.kill()
            self._client.wait()
        self._client.stdout.close()


def per_backend(connections):
    """How many connections each backend has."""
    return collections.Counter(connection.backend for connection in connections)


def disturbed(connections):
    """Those with an error, described."""
    return [f"port {c.port}, backend {c.backend or '?'}: {c.error}" for c in connections if c.error]
