# SPDX-License-Identifier: Apache-2.0
"""HTTP from hey through guidewayd to nginx: nothing fails, and both sides count the same."""

import dataclasses

import pytest
from checks import assert_counts_agree, assert_every_packet_has_an_end, dropped, settled

from guideway_lab import backends, config
from guideway_lab.http_load import HttpLoad
from guideway_lab.plan import MODES
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


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("mode", MODES)
def test_every_request_is_answered_and_counted(make_lab, requests, mode, family):
    send(make_lab(mode=mode, family=family), requests)


@pytest.mark.parametrize("mode", ["l2dsr", "vxlan"])
def test_two_workers_share_the_traffic(make_lab, requests, mode):
    lab = make_lab(mode=mode, workers=2)
    send(lab, requests)
    workers = lab.director.status()["workers"]
    assert len(workers) == 2
    assert all(worker["forwarded"] > 0 for worker in workers), workers


def test_weights_decide_the_shares(make_lab, requests):
    lab = make_lab(start_director=False, backends=4)
    weights = {"backend1": 100, "backend2": 200, "backend3": 50, "backend4": 0}
    pool = [dataclasses.replace(b, weight=weights[b.name]) for b in config.pool_of(lab.plan)]
    lab.director.write_config(pool)
    lab.start_director()
    lab.director.wait_ready(["backend1", "backend2", "backend3"])
    send(lab, requests)
    assert backends.http_count(lab.plan, "backend4").connections == 0


@pytest.mark.parametrize("mode", MODES)
def test_full_sized_packets_arrive(make_lab, tmp_path, mode):
    lab = make_lab(mode=mode)
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
