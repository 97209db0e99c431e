# SPDX-License-Identifier: Apache-2.0
"""Health checks: what becomes of new connections when backends stop, hang or answer badly."""

import itertools
import re
import signal
import time

import pytest
from checks import mostly_long, new_connections, write_report
from health_site import (
    LIMIT_S,
    backend_process,
    hang,
    healthy_lab,
    wait_for_health,
    wait_for_slots,
)
from operator_tool import as_json, tool

from guideway_lab import backends, metrics
from guideway_lab.http_load import HttpLoad, read_summary
from guideway_lab.plan import DATAPATHS
from guideway_lab.shell import run, wait_until

# Until a dead backend is known: docs/health-checks.md. Two probes, each an interval of 200 ms and 5 %
# after the one before, the last one with its timeout; and for generation and this test's own pace 2 s.
_KNOWN_WITHIN_S = 2 * 0.2 * 1.05 + 0.18 + 2
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.mark.parametrize("datapath", mostly_long(DATAPATHS, "xdp"))
def test_a_stopped_backend_gets_no_new_connections_until_it_is_back(make_lab, datapath):
    lab = healthy_lab(make_lab, datapath=datapath)
    assert backend_process(lab, "backend2").stop()
    wait_for_health(lab, "backend2", "unhealthy", "connect_refused")
    wait_for_slots(lab, "backend2", False)
    assert "unhealthy: connect_refused" in lab.director.backends()["backend2"]["reason"]
    gained = new_connections(lab)
    assert gained["backend2"] == 0 and min(gained["backend1"], gained["backend3"]) > 0, gained

    process = backends.start_again(lab.plan, "backend2")
    try:
        wait_for_health(lab, "backend2", "healthy")
        wait_for_slots(lab, "backend2", True)
        assert new_connections(lab)["backend2"] > 0
        assert_story(lab)
    finally:
        process.stop()


def assert_story(lab):
    """The log's, of a backend that was stopped and came back."""
    told = [e for e in lab.director.log_entries()
            if e.get("event") == "health" and e["backend"] == "backend2" and "to" in e]
    story = [(e["from"], e["to"], e["reason"]) for e in told]
    refused = story.index(("healthy", "unhealthy", "connect_refused"))
    assert story[0][0] == "initial" and story[refused - 1][1] == "healthy"
    assert story[refused + 1] == ("unhealthy", "healthy", "passed")
    now = lab.director.backends()["backend2"]
    assert (now["health_reason"], now["last_error"]) == ("", "connect_refused") and now["last_error_at"], now
    said = "backend web/backend2: healthy -> unhealthy after 2 probe(s): connect_refused"
    assert told[refused]["message"].startswith(said)
    times = [e["time"] for e in told]
    assert times == sorted(times) and all(_TIME.fullmatch(t) for t in times), times
    assert_events_tell(lab, story)


def assert_events_tell(lab, story):
    """`guideway events` has backend2's story, too: each step with its reason and its time."""

    def of_backend2(*since):
        events = as_json(lab, "events", "--kind", "health", *since)["events"]
        return [e for e in events if e["backend"] == "backend2" and "to" in e]

    events = of_backend2()
    assert [(e["from"], e["to"], e["reason"]) for e in events] == story
    times = [e["time"] for e in events]
    assert times == sorted(times) and all(_TIME.fullmatch(t) for t in times), times
    text = tool(lab, "events", "--kind", "health")
    for event in events:
        step = f"backend web/backend2: {event['from']} -> {event['to']}"
        assert any(event["time"] in line and step in line for line in text.splitlines()), text
    last = events[-1]
    assert of_backend2("--since", last["time"])[-1] == last
    assert of_backend2("--since", str(last["sequence"] - 1)) == [last]
    assert of_backend2("--since", str(last["sequence"])) == []


def test_a_backend_whose_port_is_open_but_whose_service_hangs_is_found(make_lab, is_long, capsys):
    lab = healthy_lab(make_lab)
    began = time.monotonic()
    hang(lab, "backend2", signal.SIGSTOP)
    try:
        wait_for_health(lab, "backend2", "unhealthy", "timeout")
        took = time.monotonic() - began
        wait_for_slots(lab, "backend2", False)
        assert new_connections(lab)["backend2"] == 0
    finally:
        hang(lab, "backend2", signal.SIGCONT)
    wait_for_health(lab, "backend2", "healthy")
    write_report("hung-service", [f"a service that hangs is known after {took:.2f} s"], capsys)
    assert not is_long or took <= _KNOWN_WITHIN_S


def test_tcp_does_not_find_a_service_that_hangs(make_lab):
    lab = healthy_lab(make_lab, health_protocol="tcp", datapath="xdp")

    def probes():
        """All probes and the good ones, of one scrape."""
        samples = metrics.read(metrics.scrape(lab.plan))
        name, of_it = "guideway_backend_probes_total", {"backend": "backend2"}
        every = metrics.value(samples, name, **of_it)
        return every, metrics.value(samples, name, **of_it, result="success")

    hang(lab, "backend2", signal.SIGSTOP)
    try:
        enough = probes()[1] + 10
        wait_until(lambda: probes()[1] >= enough, "ten more good probes", LIMIT_S)
        shown = lab.director.backends()["backend2"]
        assert shown["health"] == "healthy" and shown["slots"] > 0, shown
        every, good = probes()
        assert every == good
    finally:
        hang(lab, "backend2", signal.SIGCONT)


def test_ping_says_that_the_host_is_there_and_no_more(make_lab):
    lab = healthy_lab(make_lab, health_protocol="ping", datapath="xdp")
    assert backend_process(lab, "backend2").stop()  # the host stays
    run("sysctl", "-qw", "net.ipv4.icmp_echo_ignore_all=1", netns=lab.plan.netns("backend3"))
    wait_for_health(lab, "backend3", "unhealthy", "timeout")
    assert lab.director.backends()["backend2"]["health"] == "healthy"


def test_a_check_that_all_backends_fail_costs_no_request_and_panic_ends_with_hysteresis(make_lab):
    lab = healthy_lab(
        make_lab, backends=6, pool_keys="panic_threshold = 30\npanic_hysteresis = 30", datapath="xdp"
    )
    load = HttpLoad(lab.plan).start(seconds=60, concurrency=5, rate=40)
    try:
        set_sick(lab, lab.plan.backend_names, True)
        wait_until(lambda: pool(lab)["state"] == "panic", "the pool to panic", LIMIT_S)
        for name in lab.plan.backend_names:
            wait_for_health(lab, name, "panic", "status_mismatch")
        assert (pool(lab)["mode"], pool(lab)["fails_open"], pool(lab)["healthy_percent"]) == ("fail_open", True, 0)
        assert lab.director.backends()["backend1"]["health_detail"] == "status 503"
        gained = new_connections(lab)
        assert all(gained.values()), gained

        set_sick(lab, lab.plan.backend_names[:3], False)
        wait_until(lambda: pool(lab)["healthy_percent"] == 50, "half of them to be healthy", LIMIT_S)
        assert pool(lab)["state"] == "panic", "50 % is above 30 %, but below 60 %"
        set_sick(lab, lab.plan.backend_names[3:4], False)
        wait_until(lambda: pool(lab)["state"] == "normal", "the panic to end", LIMIT_S)
        wait_for_slots(lab, "backend6", False)
        assert lab.director.backends()["backend6"]["health"] == "unhealthy"
        gained = new_connections(lab)
        assert [gained[name] > 0 for name in lab.plan.backend_names] == [True] * 4 + [False] * 2, gained
    finally:
        load.send_signal(signal.SIGINT)  # hey then prints its summary
        summary, _ = load.communicate(timeout=30)
    result = read_summary(10**6, summary)
    assert result.succeeded > 200 and not result.problems, summary
    log = lab.director.log()
    assert re.search("pool web: panic, (0|16) % of its weight is healthy: new flows go to all", log)
    assert "pool web: panic is over, 66 % of its weight is healthy" in log


def pool(lab):
    return lab.director.status()["pools"][0]


def set_sick(lab, names, is_sick):
    for name in names:
        backends.set_sick(lab.plan, name, is_sick)


def restarts():
    """Each datapath with each way to end; the short run has one of them."""
    for datapath, end in itertools.product(DATAPATHS, (signal.SIGKILL, signal.SIGTERM)):
        marks = () if (datapath, end) == ("xdp", signal.SIGKILL) else pytest.mark.long
        yield pytest.param(datapath, end, marks=marks)


@pytest.mark.parametrize(("datapath", "end"), restarts())
def test_from_the_first_packet_after_a_restart_the_dead_and_the_drained_are_spared(
    make_lab, datapath, end
):
    lab = healthy_lab(make_lab, backends=6, datapath=datapath, on_stop="keep")
    spared = ("backend2", "backend5", "backend3")
    for name in spared[:2]:
        assert backend_process(lab, name).stop()
    for name in spared[:2]:
        wait_for_health(lab, name, "unhealthy", "connect_refused")
    assert lab.director.operator_tool("backend", "drain", "web/backend3").returncode == 0
    kept = lab.plan.run_dir / "state" / "health"
    wait_until(lambda: kept.exists() and kept.read_text().count("unhealthy") == 2, "both on disk", 5)
    # No packet has gone to them yet, so any that does is one too many.
    load = HttpLoad(lab.plan).start(seconds=120)
    try:
        wait_for_requests(lab, 500)
        lab.director.process.signal(end)
        assert lab.director.process.wait(10)
        lab.stop_director()
        lab.start_director()
        wait_for_requests(lab, 500)
    finally:
        load.kill()
        load.communicate()
    assert {name: backends.packet_count(lab.plan, name) for name in spared} == dict.fromkeys(spared, 0)
    for name in spared:
        assert lab.director.backends()[name]["slots"] == 0


def wait_for_requests(lab, more):
    """Waits until all backends together have answered so many more."""

    def requests():
        return sum(count.requests for count in backends.http_counts(lab.plan).values())

    before = requests()
    wait_until(lambda: requests() >= before + more, f"{more} requests", 30)


def test_a_backend_that_flaps_every_second_costs_few_generations(make_lab, is_long, capsys):
    lab = healthy_lab(make_lab, datapath="xdp")
    before = lab.director.status()["generation"]
    seconds = 60 if is_long else 9
    for second in range(seconds):
        set_sick(lab, ["backend2"], second % 2 == 0)
        time.sleep(1)  # the backend's own pace
    generations = lab.director.status()["generation"] - before
    write_report("flapping", [f"a backend that flaps {seconds} times: {generations} generations"], capsys)
    assert 2 <= generations <= 10
    assert lab.director.backends()["backend2"]["health"] == "unhealthy"
    assert lab.director.backends()["backend2"]["health_reason"] in ("flapping", "status_mismatch")
