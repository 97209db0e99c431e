# SPDX-License-Identifier: Apache-2.0
"""HTTP load by `hey` from the client's namespace: one connection a request, no failure unseen."""

import contextlib
import dataclasses
import itertools
import math
import re
import subprocess

from guideway_lab.shell import ip_batch, in_netns, require_programs

# Linux walks through a client address's ports in steps: after some 7,000 connections to one
# service it comes back to used ones. A fresh address for each batch keeps every connection's
# five-tuple new, so that connections, flows and independent random choices are the same number.
_BATCH = 5_000
_CONCURRENCY = 50
_REQUEST_TIMEOUT_S = 20


@dataclasses.dataclass
class LoadResult:
    """What became of the requests. Whatever is not a 2xx answer has failed."""

    requests: int = 0
    succeeded: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)

    @property
    def failed(self):
        return self.requests - self.succeeded

    def __add__(self, other):
        return LoadResult(
            self.requests + other.requests,
            self.succeeded + other.succeeded,
            self.problems + other.problems,
        )


class HttpLoad:
    """Sends requests to a lab's service."""

    def __init__(self, plan):
        require_programs("hey")
        self._plan = plan
        self._sources = itertools.cycle(plan.client_addresses)

    def run(self, requests, progress=lambda done: None, timeout=300):
        """Sends `requests` requests, one connection each, and waits for the end."""
        total = LoadResult()
        while total.requests < requests:
            batch = min(_BATCH, requests - total.requests)
            with self._next_source():
                total += self._run_batch(batch, timeout)
            progress(total.requests)
        return total

    def start(self, seconds, concurrency=10, rate=None):
        """Starts load in the background for at most so long; the caller ends the Popen.

        `rate`: requests a second of each of the `concurrency` clients; without, as fast as they can.
        """
        limit = ("-q", str(rate)) if rate else ()
        return subprocess.Popen(
            self._hey("-z", f"{seconds}s", "-c", str(concurrency), *limit),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _hey(self, *options):
        hey = ("hey", "-disable-keepalive", "-t", str(_REQUEST_TIMEOUT_S), *options, self._plan.url)
        return in_netns(self._plan.netns("client"), hey)

    def _run_batch(self, requests, timeout):
        # hey rounds the number of requests down to a multiple of the concurrency.
        command = self._hey("-n", str(requests), "-c", str(math.gcd(requests, _CONCURRENCY)))
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return LoadResult(requests, 0, [f"hey had not ended after {timeout} s"])
        return read_summary(requests, done.stdout + done.stderr)

    @contextlib.contextmanager
    def _next_source(self):
        """Lets the client's connections to the service come from its next address."""
        netns = self._plan.netns("client")
        route = f"{self._plan.vip}/{self._plan.host_length} dev eth0"
        ip_batch(netns, [f"route replace {route} src {next(self._sources)}"])
        try:
            yield
        finally:
            ip_batch(netns, [f"route del {route}"])


def read_summary(requests, summary):
    """Reads hey's summary. What it does not report as answered by 2xx counts as failed."""
    statuses = re.findall(r"^\s*\[(\d{3})\]\t(\d+) responses", summary, re.MULTILINE)
    errors = re.findall(r"^\s*\[(\d+)\]\t(?!\d+ responses)(.+)", summary, re.MULTILINE)
    succeeded = sum(int(count) for status, count in statuses if status.startswith("2"))
    problems = [f"{count} × status {status}" for status, count in statuses if status[0] != "2"]
    problems += [f"{count} × {text}" for count, text in errors]
    if not statuses and not errors:
        problems.append(f"hey reported nothing: {summary[-200:].strip()}")
    return LoadResult(requests, min(succeeded, requests), problems)
