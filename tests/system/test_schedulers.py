# SPDX-License-Identifier: Apache-2.0
"""Schedulers other than maglev: who gets new connections. Exact counts for all of them are in
tests/support/scheduler_test.cpp; this is the whole way, with the sweep's counts."""

import os

import pytest

from guideway_lab import backends, config
from guideway_lab.http_load import HttpLoad
from guideway_lab.kept_connections import KeptConnections, per_backend
from guideway_lab.plan import DATAPATHS
from guideway_lab.shell import wait_until

_REQUESTS = 600
_PRELOADED = 60
_NEW = 30


@pytest.mark.parametrize(("datapath", "workers"), [("dpdk", 2), pytest.param("afxdp", 2, marks=pytest.mark.long), ("xdp", 1)])
def test_round_robin_gives_each_the_same(make_lab, datapath, workers):
    lab = make_lab(datapath=datapath, scheduler="round_robin", workers=workers)
    assert lab.director.status()["pools"][0]["scheduler"] == "round_robin"
    before = backends.http_counts(lab.plan)
    result = HttpLoad(lab.plan).run(_REQUESTS)
    assert (result.failed, result.problems) == (0, [])
    after = backends.http_counts(lab.plan)
    got = [after[name].connections - before[name].connections for name in after]
    assert sum(got) == _REQUESTS
    # Whoever forwards goes round by itself: a worker, or the program on a CPU; in afxdp also the
    # program in place of a worker that is late.
    assert max(got) - min(got) <= os.cpu_count() + (workers if datapath == "afxdp" else 0)


@pytest.mark.parametrize(
    "datapath", [pytest.param(d, marks=() if d == "xdp" else pytest.mark.long) for d in DATAPATHS]
)
def test_least_connections_spares_who_has_many(make_lab, datapath):
    lab = make_lab(start_director=False, datapath=datapath, scheduler="least_connections")
    pool = config.pool_of(lab.plan)
    lab.director.write_config(pool[:1])
    lab.start_director()
    lab.director.wait_ready([pool[0].name])
    with KeptConnections(lab.plan, _PRELOADED) as kept:
        assert per_backend(kept.look()) == {pool[0].name: _PRELOADED}
        wait_until(
            lambda: lab.director.backends()[pool[0].name]["live_flows"] >= _PRELOADED,
            "the sweep to count the connections",
        )
        lab.director.reload(pool)
        lab.director.wait_ready()
        with KeptConnections(lab.plan, _NEW) as new:
            got = per_backend(new.look())
        assert got[pool[0].name] == 0
        assert sum(got.values()) == _NEW
        assert abs(got[pool[1].name] - got[pool[2].name]) <= 2
