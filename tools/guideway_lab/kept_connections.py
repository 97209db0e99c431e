# SPDX-License-Identifier: Apache-2.0
"""Controls a keepalive_client.py in the client's namespace."""

import collections

from guideway_lab.client_process import ClientProcess
from guideway_lab.keepalive_client import Connection
from guideway_lab.shell import wait_until


class KeptConnections:
    """Connections that go on until the `with` block ends; one is lost after timeout_s of silence."""

    def __init__(self, plan, count, interval_ms=50, timeout_s=10):
        self._count = count
        arguments = (plan.vip, plan.service_port, count, interval_ms, timeout_s)
        self._client = ClientProcess(plan, "keepalive_client.py", arguments)

    def __enter__(self):
        self._client.start()
        try:
            self.wait_for_answers(3)
        except BaseException:
            self._client.end()
            raise
        return self

    def __exit__(self, *_):
        self._client.end()

    def look(self):
        """The connections as they are now."""
        return [Connection(**entry) for entry in self._client.ask()]

    def wait_for_answers(self, more, timeout=30):
        """Waits until each connection has `more` answers than now, or an error; returns them."""
        before = [connection.answered for connection in self.look()] if more else []

        def grown():
            now = self.look()
            done = all(c.error or c.answered >= b + more for c, b in zip(now, before, strict=True))
            return now if done else None

        return wait_until(grown, f"{more} answers on each of {self._count} connections", timeout)


def per_backend(connections):
    """How many connections each backend has."""
    return collections.Counter(connection.backend for connection in connections)


def disturbed(connections):
    """Those with an error, described."""
    return [f"port {c.port}, backend {c.backend or '?'}: {c.error}" for c in connections if c.error]
