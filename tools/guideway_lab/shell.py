# SPDX-License-Identifier: Apache-2.0
"""Runs commands, in a network namespace or not, and waits for conditions instead of sleeping."""

import json
import shutil
import subprocess
import time


class LabError(Exception):
    """One sentence that says what is wrong and what to do."""


def run(*command, netns=None, check=True, timeout=30, **options):
    """Runs a command to its end and returns the CompletedProcess, output as text."""
    argv = in_netns(netns, command)
    options.setdefault("stdin", None if "input" in options else subprocess.DEVNULL)
    result = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, **options)
    if check and result.returncode != 0:
        raise LabError(f"'{' '.join(argv)}' failed: {(result.stderr or result.stdout).strip()}")
    return result


def in_netns(netns, command):
    """The argv that runs `command` in a named namespace.

    Not `ip netns exec`: that makes a mount namespace, in which a BPF file system mounted by the
    command would die with it. nsenter executes the command, so its process id is the command's.
    """
    argv = [str(word) for word in command]
    return ["nsenter", f"--net=/run/netns/{netns}", *argv] if netns else argv


def ip_batch(netns, lines):
    """Runs many `ip` commands in one namespace; the first that fails ends it."""
    run("ip", "-n", netns, "-batch", "-", input="\n".join(lines) + "\n")


def ip_json(netns, *arguments):
    """What `ip -json` prints, as Python values."""
    scope = ("-n", netns) if netns else ()
    return json.loads(run("ip", *scope, "-json", *arguments).stdout or "[]")


def sysctl(netns, settings):
    """Sets sysctl values of one namespace."""
    run("sysctl", "-qw", *(f"{key}={value}" for key, value in settings.items()), netns=netns)


def require_programs(*names):
    """Refuses to go on when a program is missing."""
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise LabError(f"not installed: {', '.join(missing)}; run tools/setup")


def wait_until(condition, what, timeout=10.0, interval=0.05):
    """Polls until `condition()` is true and returns its value; LabError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout:g} s in vain for {what() if callable(what) else what}")
        time.sleep(interval)
