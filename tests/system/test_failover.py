# SPDX-License-Identifier: Apache-2.0
"""Two backends under load: what a drain, a stop and a death cost, and what they cost without Guideway."""

import signal
import time

import pytest
from checks import write_report
from health_site import (
    backend_process,
    children,
    healthy_lab,
    signal_process,
    wait_for_health,
    wait_for_slots,
)
from operator_tool import tool

from guideway_lab import backends, config
from guideway_lab.plan import DATAPATHS
from guideway_lab.timed_load import TimedLoad

_REQUESTS = 200
# Two probes, an interval of 200 ms apart, the second one after its timeout; docs/health-checks.md.
_DETECTION_S = 2 * 0.2 * 1.05 + 0.18
# And a generation, on a machine that others use, too.
_GENERATION_S = 2


def failed(requests):
    return [request for request in requests if request.error]


def drain_and_stop(lab, load):
    """Takes a backend out in order: nobody notices. Returns what was seen."""
    before = load.wait_for(_REQUESTS)
    assert {request.backend for request in before} == {"backend1", "backend2"}
    tool(lab, "backend", "drain", "web/backend1", "--wait")
    assert backend_process(lab, "backend1").stop()
    after = load.wait_for(_REQUESTS)
    requests = [*before, *after]
    assert failed(requests) == []
    assert {request.backend for request in after[-_REQUESTS // 2 :]} == {"backend2"}
    return f"one drained, then stopped: 0 of {len(requests)} requests failed"


def come_back(lab):
    process = backends.start_again(lab.plan, "backend1")
    tool(lab, "backend", "enable", "web/backend1")
    wait_for_slots(lab, "backend1", True)
    wait_for_health(lab, "backend1", "healthy")
    return process


def kill(lab, process, load, is_long):
    """Ends a backend without warning. Whoever comes once that is known is spared."""
    load.wait_for(_REQUESTS)
    workers = children(process.pid)
    killed = time.monotonic()
    process.signal(signal.SIGKILL)
    for worker in workers:
        signal_process(worker, signal.SIGKILL)
    wait_for_slots(lab, "backend1", False)
    known = time.monotonic()
    requests = load.wait_for(_REQUESTS)
    lost = failed(load.seen)
    assert lost, "nothing failed: the death came at no cost, so this shows nothing"
    assert [request for request in lost if not killed - 1 < request.began < known] == []
    assert all(request.backend in ("backend1", "") for request in lost)
    if is_long:
        assert known - killed <= _DETECTION_S + _GENERATION_S
    last_ms = 1000 * (max(request.began for request in lost) - killed)
    return (
        f"one killed: {len(lost)} failed, the last one began after {last_ms:.0f} ms"
        f" (known after {1000 * (known - killed):.0f}, promised {1000 * _DETECTION_S:.0f} and a"
        f" generation); then 0 of {len(requests)}"
    )


def stop_the_only_one(lab, load):
    """The same with one backend: half of the requests."""
    lab.director.reload([b for b in config.pool_of(lab.plan) if b.name == "backend2"])
    good = load.wait_for(_REQUESTS)[-_REQUESTS:]
    assert failed(good) == []
    assert backend_process(lab, "backend2").stop()
    bad = load.wait_for(_REQUESTS)
    lost = failed(bad)
    assert len(lost) > len(bad) * 0.9
    return f"one alone, stopped half of the run: {len(lost)} of {len(good) + len(bad)} failed"


@pytest.mark.parametrize(
    "datapath", [pytest.param(d, marks=() if d == "xdp" else pytest.mark.long) for d in DATAPATHS]
)
def test_a_drain_costs_nothing_and_a_death_only_until_it_is_known(make_lab, is_long, capsys, datapath):
    lab = healthy_lab(make_lab, datapath=datapath, backends=2)
    lines = []
    with TimedLoad(lab.plan) as load:
        lines.append(drain_and_stop(lab, load))
        lines.append(kill(lab, come_back(lab), load, is_long))
        lines.append(stop_the_only_one(lab, load))
    title = f"two backends, {datapath}, probes every 200 ms, a new connection for each request"
    write_report(f"failover-{datapath}", [title, *(f"  {line}" for line in lines)], capsys)
