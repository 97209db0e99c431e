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

from guideway_lab.shell import in_netns

# How long the kernel may take to end a process by SIGKILL.
_KILL_TIME_S = 5.0


@dataclasses.dataclass
class Process:
    """A process that we started; it may outlive the command that did."""

    role: str
    pid: int
    start_time: int
    # Known once wait() saw the end of a child of ours; minus the signal's number if one ended it.
    exit_code: int | None = None

    def alive(self):
        """Whether any thread of it still runs."""
        return not self.wait(0)

    def signal(self, number):
        """Sends a signal, unless the process is gone."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            # The handle pins the process down: between this check and the signal it stays itself.
            if start_time_of(self.pid) == self.start_time:
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
        self.wait(_KILL_TIME_S)
        return False

    def wait(self, timeout):
        """True once the process has ended, False after `timeout` seconds."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if start_time_of(self.pid) != self.start_time:
                return True
            # Readable once the last thread is gone: the first one may be a zombie before that.
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
    """When a process started, in clock ticks since boot; None when there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[19])


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
    child.returncode = 0  # Process.wait() collects it, not subprocess.
    return Process(role, child.pid, start_time_of(child.pid))
