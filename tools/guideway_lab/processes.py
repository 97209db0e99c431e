# SPDX-License-Identifier: Apache-2.0
"""Starts and ends the lab's long-running programs.

A process is known by its id and its start time together: an id alone may belong to somebody else by
the time we want to end it.
"""

import dataclasses
import os
import select
import signal
import subprocess

from guideway_lab.shell import LabError, in_netns


@dataclasses.dataclass
class Process:
    """A process that we started; it may outlive the command that did."""

    role: str
    pid: int
    start_time: int
    # Known once wait() saw the end of a child of ours; minus the signal's number if one ended it.
    exit_code: int | None = None

    def alive(self):
        return start_time_of(self.pid) == self.start_time

    def signal(self, number):
        """Sends a signal, unless the process is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle pins the process down: between this check and the signal it stays itself.
            if self.alive():
                signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)

    def stop(self, grace=5.0):
        """SIGTERM, then SIGKILL after `grace` seconds. True if SIGTERM was enough."""
        self.signal(signal.SIGTERM)
        if self.wait(grace):
            return True
        self.signal(signal.SIGKILL)
        self.wait(grace)
        return False

    def wait(self, timeout):
        """True once the process has ended, False after `timeout` seconds."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive():
                return True
            return bool(select.select([handle], [], [], timeout)[0])
        finally:
            os.close(handle)
            self._collect()

    def _collect(self):
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return  # Started by an earlier command: not our child.
        if pid:
            self.exit_code = os.waitstatus_to_exitcode(status)


def start_time_of(pid):
    """When a process started, in clock ticks since boot; None when it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, start_time = fields[0], fields[19]
    return None if state in "ZX" else int(start_time)


def spawn(role, command, netns, output):
    """Starts a program that outlives us, with its output appended to the file `output`.

    It gets a session of its own, so that Ctrl-C reaches only us, who then end it in order.
    """
    with open(output, "ab") as log:
        child = subprocess.Popen(
            in_netns(netns, command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    start_time = start_time_of(child.pid)
    if start_time is None:
        raise LabError(f"{role} ended at once; see {output}")
    child.returncode = 0  # Process.wait() collects it, not subprocess.
    return Process(role, child.pid, start_time)
