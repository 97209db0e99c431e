# SPDX-License-Identifier: Apache-2.0
"""Forwarding "nat": service port 80, backends on port 6400 that know nothing of it."""

import ipaddress
import struct

import pytest
from checks import (
    assert_counts_agree,
    assert_every_packet_has_an_end,
    dropped,
    end_director,
    mostly_long,
    settled,
)

from guideway_lab import kept_connections, raw_packets
from guideway_lab.http_load import HttpLoad
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.plan import DATAPATHS, PORT
from guideway_lab.report import observe
from guideway_lab.shell import run

_KEPT = 60


def send(lab, requests):
    before = observe(lab)
    result = HttpLoad(lab.plan).run(requests)
    assert (result.failed, result.problems) == (0, [])
    assert_counts_agree(before, settled(lab))
    assert_every_packet_has_an_end(lab)
    assert dropped(lab) == 0


@pytest.mark.parametrize("datapath", mostly_long(DATAPATHS, "dpdk", "xdp"))
def test_answers_may_come_by_any_worker(make_lab, is_long, datapath):
    lab = make_lab(datapath=datapath, mode="nat", workers=2)
    send(lab, 100_000 if is_long else 5_000)
    rows = [row for row in lab.director.status()["workers"] if row["reasons"].get("nat_returned")]
    assert rows, "no answer was counted"
    if datapath == "dpdk":
        assert len(rows) == 2, "one worker got all answers"


def assert_all_stay(kept, held):
    connections = kept.wait_for_answers(10)
    assert kept_connections.disturbed(connections) == []
    assert [c.backend for c in connections] == held


@pytest.mark.parametrize("datapath", ["afxdp", pytest.param("xdp", marks=pytest.mark.long)])
def test_nobody_notices_that_guidewayd_was_killed(make_lab, is_long, datapath):
    lab = make_lab(datapath=datapath, mode="nat", on_stop="keep")
    with KeptConnections(lab.plan, _KEPT) as kept:
        held = [c.backend for c in kept.look()]
        for _ in range(2 if is_long else 1):
            end_director(lab)
            assert_all_stay(kept, held)
            lab.start_director()
            lab.director.wait_ready()
            assert_all_stay(kept, held)
    send(lab, 500)


def test_flows_wait_for_the_next_guidewayd_in_dpdk(make_lab):
    lab = make_lab(mode="nat", on_stop="keep")
    with KeptConnections(lab.plan, _KEPT) as kept:
        held = [c.backend for c in kept.look()]
        lab.stop_director()
        lab.start_director()
        lab.director.wait_ready()
        assert_all_stay(kept, held)


def test_addresses_come_and_flows_stay(make_lab):
    lab = make_lab(mode="nat", datapath="xdp", start_director=False)
    text = lab.director.config_file.read_text()
    lab.director.config_file.write_text(text.replace("[capacity]", "[capacity]\nnat_addresses = 2"))
    lab.start_director()
    lab.director.wait_ready()
    with KeptConnections(lab.plan, _KEPT) as kept:
        held = [c.backend for c in kept.look()]
        text = lab.director.config_file.read_text()
        more = f'source = ["{lab.plan.nobody_address}", "{lab.plan.nat_address}"]'
        lab.director.config_file.write_text(text.replace(f'source = ["{lab.plan.nat_address}"]', more))
        assert lab.director.operator_tool("reload").returncode == 0
        assert_all_stay(kept, held)
        seen = set()
        for name in lab.plan.backend_names:
            sockets = run("ss", "-Htn", "sport", f"= :{PORT}", netns=lab.plan.netns(name)).stdout
            seen |= {line.split()[4].rsplit(":", 1)[0] for line in sockets.splitlines()}
        assert seen == {lab.plan.nat_address}, "clients are hidden, and nobody moved"
    assert HttpLoad(lab.plan).run(500).failed == 0


@pytest.mark.parametrize("datapath", ["xdp", pytest.param("afxdp", marks=pytest.mark.long),
                                      pytest.param("dpdk", marks=pytest.mark.long)])
def test_backends_that_route_back_see_the_clients(make_lab, datapath):
    lab = make_lab(mode="nat", datapath=datapath, start_director=False)
    plan = lab.plan
    text = lab.director.config_file.read_text()
    assert f'source = ["{plan.nat_address}"]' in text
    lab.director.config_file.write_text(text.replace(f'source = ["{plan.nat_address}"]', "snat = false"))
    for backend in plan.backend_names:
        for client in (plan.client_address, *plan.client_addresses):
            run("ip", "-n", plan.netns(backend), "route", "replace", f"{client}/{plan.host_length}",
                "via", plan.director_address)
    lab.start_director()
    lab.director.wait_ready()
    result = HttpLoad(plan).run(1_000)
    assert (result.failed, result.problems) == (0, [])
    assert dropped(lab) == 0
    status = lab.director.status()
    assert [each["address"] for each in status["nat_addresses"]] == ["0.0.0.0"]
    assert sum(row["reasons"].get("nat_returned", 0) for row in status["workers"]) > 0
    assert f"{plan.nat_address}/" not in run("ip", "-n", plan.netns("director"), "addr").stdout


def segments(raw, source):
    """TCP packets from an address that a socket has seen, oldest first: ports, flags and options of each."""
    header, protocol, addresses = (20, 9, 12) if ":" not in source else (40, 6, 8)
    packed = ipaddress.ip_address(source).packed
    for frame in raw_packets.arrivals(raw):
        ip = frame[14:]
        if ip[protocol] == 6 and ip[addresses:addresses + len(packed)] == packed:
            tcp = ip[header:]
            yield struct.unpack_from("!HH", tcp), tcp[13], tcp[20:(tcp[12] >> 4) * 4]


def told(options):
    """(address, port) of a TOA option in front of the others; None without."""
    kind, length = options[:2] if len(options) > 2 else (0, 0)
    if (kind, length) not in ((254, 8), (253, 20)):
        return None
    return str(ipaddress.ip_address(options[4:length])), int.from_bytes(options[2:4], "big")


@pytest.mark.parametrize(("datapath", "family"), [("dpdk", 4), ("xdp", 6), pytest.param("dpdk", 6, marks=pytest.mark.long),
                                                  ("xdp", 4), pytest.param("afxdp", 4, marks=pytest.mark.long)])
def test_backends_are_told_who_the_client_is(make_lab, datapath, family):
    lab = make_lab(mode="nat", datapath=datapath, family=family, pool_keys="toa = true")
    plan, requests, syn = lab.plan, 200, 0x02
    backends = [raw_packets.open_socket(plan.netns(name), "eth0") for name in plan.backend_names]
    client = raw_packets.open_socket(plan.netns("client"), "eth0")
    send(lab, requests)
    flows = [raw_packets.flow_of(frame[14:]) for frame in raw_packets.arrivals(client)]
    ends = {(flow.destination, flow.destination_port) for flow in flows if flow and flow.source == plan.vip}
    assert len(ends) == requests
    by_syn, by_last, without = {}, {}, 0
    for raw in backends:
        for (port, _), flags, options in segments(raw, plan.nat_address):
            if flags & syn:
                by_syn[raw, port] = told(options)
            elif (raw, port) not in by_last:
                by_last[raw, port] = told(options)  # completes the handshake
            else:
                without += told(options) is None
    assert set(by_syn.values()) == ends
    assert by_last == by_syn
    assert without >= requests, "once the backend has spoken, packets are as they were"
    events = [row["events"] for row in lab.director.status()["workers"]]
    assert sum(each.get("toa_no_room", 0) + each.get("toa_erased", 0) for each in events) == 0
