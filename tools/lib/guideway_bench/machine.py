# SPDX-License-Identifier: Apache-2.0
"""What the figures were measured on. A figure without it means nothing."""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import time

from . import build

BUSY_LOAD = 0.5
# Whose versions can show in a figure.
PACKAGES = ("libdpdk-dev", "libbpf-dev", "nginx-light", "haproxy", "nftables", "wrk")


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
        "smt_siblings": smt_siblings(),
        "virtual": "hypervisor" in cpu.get("flags", ""),
        "kernel": platform.release(),
        "system": system_name(),
        **built.facts(),
        "versions": versions(),
        "commit": commit(),
        "load": round(os.getloadavg()[0], 2),
    }


def cpu_facts(text):
    """The first processor of /proc/cpuinfo."""
    first = text.split("\n\n", 1)[0]
    return dict(re.findall(r"^(.+?)\s*: (.*)$", first, re.MULTILINE))


def smt_siblings():
    """CPUs that share a core, as Linux writes lists of them; empty if none do."""
    lists = pathlib.Path("/sys/devices/system/cpu").glob("cpu*/topology/thread_siblings_list")
    shared = {file.read_text(encoding="ascii").strip() for file in lists}
    return sorted(cpus for cpus in shared if not cpus.isdecimal())


def system_name():
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def versions():
    """Of those packages that are installed."""
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *PACKAGES]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False)
    except OSError:
        return {}
    found = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    return {package: version for package, version in found.items() if version}


def stolen_s():
    """Time that the hypervisor gave to somebody else, of all CPUs together, since the start."""
    with open("/proc/stat", encoding="ascii") as file:
        return int(file.readline().split()[8]) / os.sysconf("SC_CLK_TCK")


def undisturbed(measure, most=3):
    """(what measure() returns, how often it was repeated because too much was stolen): more than
    1 % of its time. As undisturbed() in tests/bench."""
    for again in range(most + 1):
        before, start = stolen_s(), time.monotonic()
        measured = measure()
        stolen = stolen_s() - before
        if stolen <= 0.01 * (time.monotonic() - start):
            break
    return measured, again


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
