# SPDX-License-Identifier: Apache-2.0
"""What the figures were measured on. A figure without it means nothing."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

from . import build

BUSY_LOAD = 0.5


def facts(built):
    """The first line of the JSON output."""
    cpu = cpu_facts(pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return {
        "bench": "machine",
        "date": datetime.date.today().isoformat(),
        "cpu": cpu.get("model name", "unknown"),
        "cpu_model": cpu.get("model", ""),
        "tsc_mhz": float(cpu.get("cpu MHz", 0)),
        "cpus": os.cpu_count(),
        "virtual": "hypervisor" in cpu.get("flags", ""),
        "kernel": platform.release(),
        "system": system_name(),
        **built.facts(),
        "commit": commit(),
        "load": round(os.getloadavg()[0], 2),
    }


def cpu_facts(text):
    """The first processor of /proc/cpuinfo."""
    first = text.split("\n\n", 1)[0]
    return dict(re.findall(r"^(.+?)\s*: (.*)$", first, re.MULTILINE))


def system_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def commit():
    """The commit, with + if there are changes on top."""
    git = ["git", "-c", f"safe.directory={build.ROOT}", "-C", build.ROOT]
    try:
        short = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True,
                               capture_output=True, text=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], check=True,
                                 capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return short + ("+" if changed else "")


def warning():
    """What speaks against measuring now, or ""."""
    load = os.getloadavg()[0]
    if load > BUSY_LOAD:
        return (f"the machine is busy (load {load:.1f}): the figures will be too high and will "
                "differ from run to run")
    return ""
