# SPDX-License-Identifier: Apache-2.0
"""HTTP from hey through guidewayd to nginx: nothing fails, and both sides count the same."""

import collections
import dataclasses
import itertools

import pytest
from checks import (
    assert_counts_agree,
    assert_every_packet_has_an_end,
    change_config,
    dropped,
    settled,
)

from guideway_lab import backends, config, network
from guideway_lab.http_load import HttpLoad
from guideway_lab.plan import DATAPATHS, FAMILIES, MODES
from guideway_lab.report import observe
from guideway_lab.shell import run


def send(lab, requests):
    """Sends requests and demands that every one succeeds at the backends, once."""
    before = observe(lab)
    result = HttpLoad(lab.plan).run(requests)
    assert (result.failed, result.problems) == (0, [])
    after = settled(lab)
    answered = sum(after.counts[n].requests - before.counts[n].requests for n in after.counts)
    assert answered == requests
    assert_counts_agree(before, after)
    assert_every_packet_has_an_end(lab)
    assert dropped(lab) == 0


def ways():
    """Every datapath, mode and family; without --long each of them beside some of the others."""
    short = [("dpdk", "l2dsr", 4), ("dpdk", "gue", 6), ("dpdk", "nat", 6),
             ("afxdp", "l2dsr", 6), ("afxdp", "vxlan", 4), ("afxdp", "nat", 4),
             ("xdp", "ipip", 4), ("xdp", "gre", 4), ("xdp", "vxlan", 6), ("xdp", "nat", 4)]
    for datapath, mode, family in itertools.product(DATAPATHS, MODES, FAMILIES):
        marks = () if (datapath, mode, family) in short else pytest.mark.long
        yield pytest.param(datapath, mode, family, marks=marks)


@pytest.mark.parametrize(("datapath", "mode", "family"), ways())
def test_every_request_is_answered_and_counted(make_lab, requests, datapath, mode, family):
    lab = make_lab(datapath=datapath, mode=mode, family=family)
    send(lab, requests)
    assert forwarder(lab) == {"dpdk": "worker", "afxdp": "worker", "xdp": "xdp"}[datapath]


def forwarder(lab):
    """The role that forwarded most: a worker, or the XDP program."""
    sums = collections.Counter()
    for row in lab.director.status()["workers"]:
        sums[row["role"]] += row["forwarded"]
    return sums.most_common(1)[0][0]


@pytest.mark.parametrize("datapath", ["afxdp", "xdp"])
def test_a_driver_without_native_xdp_is_served_in_generic_mode(make_lab, datapath):
    lab = make_lab(datapath=datapath, start_director=False)
    network.bridge_nic(lab.plan)
    lab.start_director()
    lab.director.wait_ready()
    (interface,) = lab.director.status()["interfaces"]
    assert interface["driver"] == "bridge, XDP generic: the driver bridge has no native XDP"
    send(lab, 1_000)
    assert forwarder(lab) == {"afxdp": "worker", "xdp": "xdp"}[datapath]


@pytest.mark.parametrize(
    ("datapath", "mode"),
    [("dpdk", "vxlan"), ("afxdp", "l2dsr"), pytest.param("dpdk", "l2dsr", marks=pytest.mark.long)],
)
def test_two_workers_share_the_traffic(make_lab, requests, datapath, mode):
    lab = make_lab(datapath=datapath, mode=mode, workers=2)
    send(lab, requests)
    workers = [row for row in lab.director.status()["workers"] if row["role"] == "worker"]
    assert len(workers) == 2
    assert all(worker["forwarded"] > 0 for worker in workers), workers


def test_the_program_balances_what_comes_by_a_queue_without_a_worker(make_lab):
    lab = make_lab(datapath="afxdp", workers=2, start_director=False)
    cpus = lab.plan.worker_cpus
    change_config(lab, f"workers = {cpus}", f"workers = {cpus[:1]}")
    lab.start_director()
    lab.director.wait_ready()
    send(lab, 1_000)
    rows = {role: [r for r in lab.director.status()["workers"] if r["role"] == role]
            for role in ("worker", "xdp")}
    assert len(rows["worker"]) == 1 and rows["worker"][0]["forwarded"] > 0, rows
    assert sum(row["events"]["worker_absent"] for row in rows["xdp"]) > 0, rows
    assert sum(row["forwarded"] for row in rows["xdp"]) > 0, rows


def test_weights_decide_the_shares(make_lab, requests):
    lab = make_lab(start_director=False, backends=4)
    weights = {"backend1": 100, "backend2": 200, "backend3": 50, "backend4": 0}
    pool = [dataclasses.replace(b, weight=weights[b.name]) for b in config.pool_of(lab.plan)]
    lab.director.write_config(pool)
    lab.start_director()
    lab.director.wait_ready(["backend1", "backend2", "backend3"])
    send(lab, requests)
    assert backends.http_count(lab.plan, "backend4").connections == 0


def large_ways():
    """Every datapath and mode; without --long only the largest header, and nat beside dpdk."""
    for datapath, mode in itertools.product(DATAPATHS, MODES):
        is_short = (datapath, mode) in (("afxdp", "vxlan"), ("dpdk", "nat"))
        yield pytest.param(datapath, mode, marks=() if is_short else pytest.mark.long)


@pytest.mark.parametrize(("datapath", "mode"), large_ways())
def test_full_sized_packets_arrive(make_lab, tmp_path, datapath, mode):
    lab = make_lab(datapath=datapath, mode=mode)
    body = tmp_path / "body"
    body.write_bytes(bytes(5_000_000))
    before = observe(lab)
    curl = ("curl", "-sS", "-m", "30", "-H", "Expect:", "--data-binary", f"@{body}")
    write_out = "%{http_code} %{size_upload}"
    curl += ("-o", "/dev/null", "-w", write_out, lab.plan.url + "upload")
    answer = run(*curl, netns=lab.plan.netns("client"))
    assert answer.stdout == "200 5000000"
    after = settled(lab)
    packets = sum(after.counts[n].packets - before.counts[n].packets for n in after.counts)
    assert packets > 5_000_000 / 1500
    assert after.if_packets_agree()
    assert_every_packet_has_an_end(lab)
    assert dropped(lab) == 0
