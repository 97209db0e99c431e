# SPDX-License-Identifier: Apache-2.0
"""HTTP and JSON over one of guidewayd's Unix sockets."""

import contextlib
import dataclasses
import http.client
import json
import socket


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a request came to: the status, and the JSON in the body."""

    status: int
    body: dict


class AdminClient(contextlib.AbstractContextManager):
    """Requests over one connection, which is opened by the first."""

    def __init__(self, path):
        self._connection = _UnixHttpConnection(str(path))

    def __exit__(self, *_):
        self._connection.close()

    def ask(self, method, path, value=None):
        """Sends a request, with `value` as JSON. OSError or HTTPException if nobody answers."""
        body = None if value is None else json.dumps(value)
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        return Answer(response.status, json.loads(response.read()))


class _UnixHttpConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
