# SPDX-License-Identifier: Apache-2.0
"""A client program in a namespace that answers each line of its standard input by a line of JSON."""

import contextlib
import json
import pathlib
import subprocess

from guideway_lab.shell import LabError, in_netns

_HERE = pathlib.Path(__file__).parent


class ClientProcess:
    """Runs one of the programs beside this file; it ends when its standard input does."""

    def __init__(self, plan, program, arguments, role="client"):
        self._program = program
        command = ("/usr/bin/python3", "-B", _HERE / program, *arguments)
        self._command = in_netns(plan.netns(role), command)
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={"PYTHONPATH": str(_HERE.parent)},
        )

    def ask(self, line=""):
        """Writes a line; returns the value of the line that answers it."""
        try:
            self._process.stdin.write(f"{line}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise LabError(f"{self._program} ended by itself") from None
        return self.answer()

    def answer(self):
        """The value of the next line that it prints."""
        answer = self._process.stdout.readline()
        if not answer:
            raise LabError(f"{self._program} ended by itself; its error is above")
        return json.loads(answer)

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
