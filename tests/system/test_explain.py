# SPDX-License-Identifier: Apache-2.0
"""GET /v1/explain says of a packet what the datapath then does with it, for thousands of flows."""

import random
import socket

import pytest
from checks import mostly_long, write_report
from operator_tool import tool

from guideway_lab import raw_packets
from guideway_lab.http_load import HttpLoad
from guideway_lab.plan import DATAPATHS, ECHO_PORT, PORT
from guideway_lab.raw_packets import Flow
from guideway_lab.shell import ip_json, wait_until

_BATCH = 100
_ETHERNET = 14
_IPIP = _ETHERNET + 20


class Wire:
    """Sends packets from the client, and sees what leaves the director for which backend.

    Looks where no router has changed it yet: at the backends, or with a tunnel at the router.
    """

    def __init__(self, lab):
        plan = lab.plan
        assert HttpLoad(plan).run(10).failed == 0  # so that the client knows the VIP's MAC address
        client = plan.netns("client")
        neighbours = ip_json(client, "neigh", "show", str(plan.vip))
        own = ip_json(client, "link", "show", "eth0")[0]["address"]
        self._header = raw_packets.ethernet(neighbours[0]["lladdr"], own, plan.family)
        self._client = raw_packets.open_socket(client, "eth0")
        self._inner_at = _ETHERNET
        if plan.routed:
            assert (plan.mode, plan.family) == ("ipip", 4)
            self._inner_at = _IPIP
            self._seen = {"": raw_packets.open_socket(plan.netns("router"), "near")}
        else:
            self._seen = {
                name: raw_packets.open_socket(plan.netns(name), "eth0") for name in plan.backend_names
            }
        self._names = {plan.backend_address(name): name for name in plan.backend_names}

    def close(self):
        for raw in (self._client, *self._seen.values()):
            raw.close()

    def send(self, flows, flags):
        """{flow: (backend, what is in front of its packet)}, once all have arrived somewhere."""
        arrived = {}
        for flow, flag in zip(flows, flags, strict=True):
            self._client.send(self._header + raw_packets.packet(flow, flag))

        def collect():
            for name, raw in self._seen.items():
                for frame in raw_packets.arrivals(raw):
                    header, inner = frame[: self._inner_at], frame[self._inner_at :]
                    to = name or self._names.get(socket.inet_ntoa(header[-4:]))
                    arrived.setdefault(raw_packets.flow_of(inner), []).append((to, header))
            return all(flow in arrived for flow in flows)

        wait_until(collect, "every packet at a backend", 10, interval=0.002)
        assert all(len(arrived[flow]) == 1 for flow in flows), "a packet arrived twice"
        return {flow: arrived[flow][0] for flow in flows}


def random_flow(plan, source):
    """A flow to one of the two services, from a client that nobody can answer."""
    protocol, port = source.choice((("tcp", PORT), ("udp", ECHO_PORT)))
    client = f"198.18.{source.randrange(256)}.{source.randrange(1, 255)}"
    if plan.family == 6:
        client = f"2001:db8:18::{source.randrange(1, 65536):x}"
    return Flow(protocol, client, source.randrange(1024, 65536), str(plan.vip), port)


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def explain(admin, flow, flag):
    answer = admin.ask(
        "GET",
        f"/v1/explain?protocol={flow.protocol}&source={endpoint(flow.source, flow.source_port)}"
        f"&destination={endpoint(flow.destination, flow.destination_port)}&flags={flag}",
    )
    assert answer.status == 200, answer
    return answer.body["explain"]


def assert_explained(admin, wire, flows, flags, known, by_turn=False):
    """What is said of each flow before its packet is sent comes true.

    Whose turn it will be is not said: of the first packets of flows that take turns.
    """
    said = [explain(admin, flow, flag) for flow, flag in zip(flows, flags, strict=True)]
    assert {each["flow"] for each in said} == {known}
    became = wire.send(flows, flags)
    for flow, flag, each in zip(flows, flags, said, strict=True):
        backend, header = became[flow]
        assert each["verdict"] == "forward", (flow, each)
        if by_turn and known == "miss" and (flow.protocol == "udp" or flag == "syn"):
            assert each["backend"] == "" and "whose turn" in each["why"], (flow, each)
            continue
        assert (each["backend"], each["header"]) == (backend, header.hex()), (flow, each)
    return [became[flow][0] for flow in flows]


def check_flows(lab, name, count, capsys):
    """New flows and known ones, half of them after a backend's weight and another's state changed."""
    source = random.Random(name)
    by_turn = lab.plan.scheduler != "maglev"
    tool(lab, "backend", "set", "web/backend2", "weight=300")
    wire = Wire(lab)
    got = []
    try:
        with lab.director.admin() as admin:
            for start in range(0, count, _BATCH):
                if start == count // 2:
                    tool(lab, "backend", "drain", "web/backend1")
                flows = list({random_flow(lab.plan, source): None for _ in range(_BATCH)})
                flags = [source.choice(("syn", "ack")) for _ in flows]
                first = assert_explained(admin, wire, flows, flags, "miss", by_turn)
                assert assert_explained(admin, wire, flows, ["ack"] * len(flows), "hit") == first
                got += first
                if start == count // 2 - _BATCH:
                    old_flows, old = flows, first
            # Flows that began before the drain have stayed, also the drained backend's.
            assert "backend1" in old and "backend1" not in got[-_BATCH:]
            assert assert_explained(admin, wire, old_flows, ["ack"] * len(old), "hit") == old
    finally:
        wire.close()
    spread = {name: got.count(name) for name in lab.plan.backend_names}
    line = f"explain, {name}: {len(got)} flows went where it said, new and known: {spread}"
    write_report(f"explain-{name}", [line], capsys)


@pytest.mark.parametrize(
    "datapath", mostly_long(DATAPATHS, "dpdk", "xdp")
)
def test_every_flow_goes_where_explain_says(make_lab, is_long, capsys, datapath):
    check_flows(make_lab(datapath=datapath, backends=4), datapath, 10_000 if is_long else 400, capsys)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("ipv6", {"family": 6, "datapath": "xdp"}),
        ("ipip", {"mode": "ipip", "datapath": "dpdk"}),
        pytest.param("round_robin", {"scheduler": "round_robin", "datapath": "xdp"}, marks=pytest.mark.long),
    ],
)
def test_explain_knows_ipv6_tunnels_and_turns(make_lab, is_long, capsys, name, options):
    check_flows(make_lab(backends=4, **options), name, 2_000 if is_long else 200, capsys)
