# SPDX-License-Identifier: Apache-2.0
"""What systemd does for guidewayd, as far as a test needs it: its socket, and its capabilities."""

import os
import pathlib
import re
import select
import socket

UNIT = pathlib.Path(__file__).resolve().parents[2] / "config/guidewayd.service"


class NotifySocket:
    """A socket that NOTIFY_SOCKET names while it is open, and what came by it."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._path = str(path)
        self.messages = []

    def __enter__(self):
        os.environ["NOTIFY_SOCKET"] = self._path
        return self

    def __exit__(self, *_):
        del os.environ["NOTIFY_SOCKET"]
        self._socket.close()
        os.unlink(self._path)

    def read(self):
        """All messages so far, each as {variable: value}."""
        while select.select([self._socket], [], [], 0)[0]:
            lines = self._socket.recv(4096).decode().splitlines()
            self.messages.append(dict(line.partition("=")[::2] for line in lines))
        return self.messages

    def states(self):
        """Of the messages so far: READY, RELOADING, STOPPING, in their order."""
        wanted = ("READY", "RELOADING", "STOPPING")
        return [name for message in self.read() for name in wanted if message.get(name) == "1"]


def settings(name):
    """The values of a setting in the unit."""
    lines = re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)
    return [word for line in lines for word in line.split()]


def with_its_capabilities():
    """The command that runs another one with the unit's capabilities and no others."""
    names = [name.removeprefix("CAP_").lower() for name in settings("CapabilityBoundingSet")]
    bounding = ",".join(["-all", *(f"+{name}" for name in names)])
    return ("setpriv", f"--bounding-set={bounding}", "--inh-caps=-all", "--no-new-privs")
