# SPDX-License-Identifier: Apache-2.0
"""Controls a timed_client.py in the client's namespace."""

from guideway_lab.client_process import ClientProcess
from guideway_lab.plan import PORT
from guideway_lab.shell import wait_until
from guideway_lab.timed_client import Request


class TimedLoad:
    """One connection a request, until the `with` block ends; `seen` has every request so far."""

    def __init__(self, plan, timeout_s=2.0):
        self.seen = []
        arguments = (plan.vip, PORT, timeout_s, *plan.client_addresses)
        self._client = ClientProcess(plan, "timed_client.py", arguments)

    def __enter__(self):
        self._client.start()
        return self

    def __exit__(self, *_):
        self._client.end()

    def look(self):
        """All requests that have ended, the latest last."""
        self.seen += [Request(**entry) for entry in self._client.ask()]
        return self.seen

    def wait_for(self, more, timeout=30):
        """Waits until `more` requests have ended; returns all that have since this was called."""
        start = len(self.look())
        wait_until(lambda: len(self.look()) >= start + more, f"{more} requests", timeout)
        return self.seen[start:]
