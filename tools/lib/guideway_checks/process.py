# SPDX-License-Identifier: Apache-2.0
"""Runs a command with a log, a time limit and signs of life."""

import concurrent.futures
import dataclasses
import os
import pathlib
import subprocess
import sys
import time

from . import tree

LOGS = tree.ROOT / "build" / "test-logs"
TIMED_OUT = 124  # timeout(1)
SIGN_OF_LIFE_S = 20
CLEAN_UP_S = 60  # from SIGTERM to SIGKILL: tests have labs to take down


@dataclasses.dataclass(frozen=True)
class Completed:
    returncode: int
    output: str
    log: pathlib.Path

    @property
    def ok(self):
        return self.returncode == 0

    def why(self):
        """How the command ended, and where to read on."""
        how = "ran into its time limit" if self.returncode == TIMED_OUT else (
            f"exit code {self.returncode}")
        return f"{how}; all of its output: {self.log.relative_to(tree.ROOT)}"


class Progress:
    """The command's latest line: in place on a terminal, now and then elsewhere."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.width = os.get_terminal_size().columns - 1 if self.terminal else 100
        self.shown_at = time.monotonic()

    def show(self, line):
        line = line.rstrip()[: self.width - 6]
        if self.terminal:
            print(f"\r\033[K      {line}", end="", flush=True)
        elif time.monotonic() - self.shown_at > SIGN_OF_LIFE_S:
            print(f"      {line}", flush=True)
            self.shown_at = time.monotonic()

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", flush=True)


def run(command, log_name, limit_s, env=None, as_root=False, as_owner=False):
    """Runs `command` in the tree; stdout and stderr go to LOGS/log_name.log and into the result.

    `as_owner`: also under sudo as whoever owns the tree.
    """
    tree.make_folder(LOGS)
    log = LOGS / f"{log_name}.log"
    log.unlink(missing_ok=True)  # perhaps root's, from a run under sudo
    command = ["timeout", f"--kill-after={CLEAN_UP_S}", str(limit_s), *map(str, command)]
    settings = {"PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
    if as_root and os.geteuid() != 0:
        command = ["sudo", "-n", "env", *(f"{k}={v}" for k, v in settings.items()), *command]
    options = {}
    entry = tree.owner() if as_owner else None
    if entry:
        options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        settings |= {"HOME": entry.pw_dir, "USER": entry.pw_name}
    progress = Progress()
    lines = []
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, cwd=tree.ROOT, env={**os.environ, **settings}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            **options)
        try:
            for line in process.stdout:
                file.write(line)
                lines.append(line)
                progress.show(line)
        except BaseException:
            process.terminate()  # timeout(1) passes it on
            process.wait()
            raise
        finally:
            progress.clear()
    return Completed(process.wait(), "".join(lines), log)


def in_parallel(function, items):
    """[function(item) for item in items], one thread a core: the work is in child processes."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def capture(command):
    """(exit code, output) of a short command."""
    done = subprocess.run(command, cwd=tree.ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, errors="replace", check=False)
    return done.returncode, done.stdout + done.stderr


def root_problem():
    """"" if we can become root, else a sentence that says what to do."""
    if os.geteuid() == 0:
        return ""
    try:
        if sys.stdin.isatty():
            subprocess.run(["sudo", "-v"], check=False)
        allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return "needs root: run tools/test as root, or install sudo"
    if allowed.returncode != 0:
        return "needs root: run tools/test as root, or as a user who may use sudo"
    return ""
