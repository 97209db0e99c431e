# SPDX-License-Identifier: Apache-2.0
"""Labs with health checks, and what may happen to a backend there."""

import os
import signal

from guideway_lab.shell import wait_until

_INTERVAL = "200ms"
# Two failures in a row, an interval apart, the last one after its timeout; and time for a generation.
LIMIT_S = 10


def backend_process(lab, name):
    return next(p for p in lab.processes if p.role == name)


def wait_for_health(lab, name, health, reason=""):
    def is_so():
        shown = lab.director.backends()[name]
        return (shown["health"], shown["health_reason"]) == (health, reason)

    wait_until(is_so, f"{name} to be {health}, {reason}", LIMIT_S)


def wait_for_slots(lab, name, wanted):
    wait_until(
        lambda: (lab.director.backends()[name]["slots"] > 0) == wanted,
        f"{name} to get {'some' if wanted else 'no'} slots",
        LIMIT_S,
    )


def healthy_lab(make_lab, **options):
    lab = make_lab(health_interval=_INTERVAL, **options)
    for name in lab.plan.backend_names:
        wait_for_health(lab, name, "healthy")
    return lab


def hang(lab, name, number):
    """Stops a backend's workers, or lets them go on. The kernel goes on accepting for them."""
    for process in children(backend_process(lab, name).pid):
        signal_process(process, number)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def signal_process(pid, number):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        assert file.read().strip() == "nginx"
    handle = os.pidfd_open(pid)
    signal.pidfd_send_signal(handle, number)
    os.close(handle)
