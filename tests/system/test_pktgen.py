# SPDX-License-Identifier: Apache-2.0
"""guideway-pktgen sends through a real guidewayd and looks at each packet that comes out."""

import re
import signal
import subprocess

import pytest

from guideway_lab.config import pool_of
from guideway_lab.director import default_build_dir
from guideway_lab.pktgen import LOSS_ALLOWED, Pktgen, program, result_of
from guideway_lab.shell import in_netns, ip_batch


def assert_all_right(result):
    assert result["problems"] == [] and result["good"]
    assert result["flows_moved"] == result["corrupt"] == result["duplicates"] == 0
    assert result["sent"] == result["received"] + result["lost"]


def test_100000_packets_of_all_kinds_come_out_right_and_no_flow_moves(lab):
    code, result = Pktgen(lab).run_until_forwarded(
        110_000,
        *("--traffic", "mixed", "--size", "imix", "--flows", "20000", "--rate", "20000"),
        *("--popularity", "zipf:1.1", "--latency"),
    )
    assert_all_right(result)
    assert code == 0
    latency = result["latency_us"]
    assert 0 < latency["least"] <= latency["p50"] <= latency["p99.9"] <= latency["most"]
    # All data is timed, and only SYNs have none: one of each established flow, 2 of 16 packets else.
    assert latency["count"] > result["received"] * 14 / 16 - 20000
    assert 100_000 <= result["received"] <= lab.director.forwarded() <= result["sent"]
    assert len(result["backends"]) == 3
    assert all(backend["forwarding"] == "l2dsr" for backend in result["backends"])
    assert result["spread"]["deviation"] < 0.1


@pytest.mark.parametrize("mode, family", [
    pytest.param("l2dsr", 6, marks=pytest.mark.long),
    pytest.param("vxlan", 4, marks=pytest.mark.long),
    ("vxlan", 6),
])
def test_other_ways_of_forwarding(make_lab, mode, family):
    lab = make_lab(mode=mode, family=family)
    code, result = Pktgen(lab).run_until_forwarded(
        10_000,
        *("--traffic", "new", "--size", "mtu", "--mtu", "1400"),
        *("--flows", "3000", "--rate", "10000"),
    )
    assert_all_right(result)
    assert code == 0
    assert result["received"] > 5000
    assert {backend["forwarding"] for backend in result["backends"]} == {mode}
    if mode == "vxlan":
        wanted = {lab.plan.backend_address(name) for name in lab.plan.backend_names}
        assert {backend["backend"] for backend in result["backends"]} == wanted


def test_a_reload_without_a_backend_moves_no_flow(lab):
    flows = 5000
    pktgen = Pktgen(lab)
    options = ("--flows", str(flows), "--rate", "15000", "--seconds", "600", *LOSS_ALLOWED)
    with pktgen.running(*options) as process:
        pktgen.wait_until_forwarded(3 * flows, process)
        lab.director.reload(pool_of(lab.plan)[:-1])
        pktgen.wait_until_forwarded(lab.director.forwarded() + 3 * flows, process)
        process.send_signal(signal.SIGINT)
        code, result = result_of(process)
    assert_all_right(result)
    assert code == 0
    assert len(result["backends"]) == 3
    assert result["received"] > 4 * flows


def over_memif(folder, *options):
    """(exit code, the JSON object) of packets from one end of shared memory to the other."""
    ends = [f"net_memif{i},role={role},socket={folder}/memif.sock,socket-abstract=no"
            for i, role in enumerate(("server", "client"))]
    words = [default_build_dir() / "tools/pktgen/guideway-pktgen", "--device", ends[0],
             "--sink", ends[1], "--gateway-mac", "02:00:00:00:00:01", "--vip", "203.0.113.10",
             "--port", "80", "--bridge", "--json", *options]
    process = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return result_of(process)


def test_whole_connections_over_shared_memory(tmp_path):
    options = ("--traffic", "connections", "--data", "2", "--open", "10", "--flows", "200")
    code, result = over_memif(tmp_path, *options, "--rate", "20000", "--seconds", "0.5", "--latency")
    assert_all_right(result)
    assert code == 0 and result["lost"] == 0 and result["late"] == 0
    assert result["flows_seen"] == 200
    # Of six packets SYN and two ACKs have no data.
    assert result["latency_us"]["count"] == pytest.approx(result["received"] / 2, abs=60)


def test_the_highest_rate_without_loss_is_looked_for(tmp_path):
    # Shared memory holds back its sender, so the first trial is good.
    options = ("--find-rate", "--rate", "5000", "--seconds", "0.2", "--flows", "100")
    code, result = over_memif(tmp_path, *options)
    assert_all_right(result)
    assert code == 0
    assert [trial["rate_pps"] for trial in result["trials"]] == [5000] and result["trials"][0]["good"]
    assert result["found_pps"] == pytest.approx(result["sent_pps"])


@pytest.mark.long  # after each trial packets are waited for
def test_a_rate_that_is_not_there_is_not_found(lab):
    options = ("--find-rate", "--rate", "100000", "--seconds", "0.01", "--protocol", "udp")
    code, result = Pktgen(lab).run(*options)  # no service: all is lost at any rate
    assert code == 1 and result["found_pps"] == 0
    assert len(result["trials"]) > 5 and "every rate" in result["problems"][0]


def test_loss_is_a_failure_unless_allowed(lab):
    pktgen = Pktgen(lab)
    options = ("--seconds", "0.2", "--rate", "1000", "--protocol", "udp")  # no service
    code, result = pktgen.run(*options)
    assert code == 1 and not result["good"]
    assert result["received"] == 0 and result["lost"] == result["sent"] > 0
    assert re.search(r"packets were lost", result["problems"][0])
    assert pktgen.run(*options, "--max-loss", "1")[0] == 0


def test_an_interrupt_ends_the_run_with_its_report(lab):
    code, result = Pktgen(lab).run_until_forwarded(1000, "--rate", "5000")
    assert_all_right(result)
    assert code == 0 and result["interrupted"]
    assert 0 < result["seconds"] < 300


def refusal_of(lab, role, device, *options):
    """(exit code, message) on a device of one of the lab's namespaces."""
    words = [program(lab), "--device", f"net_af_packet0,iface={device}", "--vip", "203.0.113.10"]
    words += ["--port", "80", "--gateway-mac", "02:00:00:00:00:01", "--seconds", "0.1"]
    command = in_netns(lab.plan.netns(role), [*words, "--rate", "100", *options])
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("family", [4, pytest.param(6, marks=pytest.mark.long)])
def test_a_device_with_the_default_route_is_refused(make_lab, family):
    lab = make_lab(start_director=False, family=family)
    client = lab.plan.netns("client")
    code, _ = refusal_of(lab, "client", "eth0")
    assert code == 1, "without a default route it runs, and loses everything"
    ip_batch(client, [f"route add default via {lab.plan.director_address}"])
    code, message = refusal_of(lab, "client", "eth0")
    assert code == 2 and "default route" in message and message.count("\n") == 1
    assert refusal_of(lab, "client", "eth0", "--allow-real-network")[0] == 1


def test_a_bridge_port_below_the_default_route_is_refused(make_lab):
    lab = make_lab(start_director=False)
    switch = lab.plan.netns("switch")
    ip_batch(switch, ["address add 192.0.2.1/24 dev near", "route add default via 192.0.2.2"])
    code, message = refusal_of(lab, "switch", "client.near")
    assert code == 2 and "client.near" in message and "default route" in message


def test_a_device_that_is_not_there_is_named(make_lab):
    lab = make_lab(start_director=False)
    code, message = refusal_of(lab, "client", "eth7")
    assert code == 2 and "eth7" in message and message.count("\n") == 1
