# SPDX-License-Identifier: Apache-2.0
"""What makes two packets one flow, for each hash key; and what of it shows outside as entropy."""

from ..expected import HIT, MISS, forwarded
from ..files import packet_step
from ..packets import Raw, ethernet, ip, tcp, udp
from ..worlds import BACKEND, CLIENT, hops, pool, service, world

KEYS = ("five_tuple", "source", "source_port", "source_destination")
ANOTHER_CLIENT = {4: "192.0.2.8", 6: "2001:db8:7::8"}
# What differs from the flow's first packet → under which keys it is the same flow.
SAME_FLOW = {
    "nothing": KEYS,
    "source port": ("source", "source_destination"),
    "destination port": ("source", "source_port", "source_destination"),
    "source address": (),
}


def make(topic):
    for key in KEYS:
        for family, outer in ((4, 4), (4, 6), (6, 4), (6, 6)):
            here = world(f"{key}, outer IPv{outer}, inner IPv{family}",
                         pool(forwarding="vxlan", backends=[("b1", BACKEND[outer], "")]),
                         service("any", family, "udp", port=0, hash=key),
                         next_hops=hops(BACKEND[outer]))
            for difference, same_under in SAME_FLOW.items():
                make_pair(topic, here, family, key, difference, key in same_under)
    make_close(topic)
    make_protocols(topic)


def make_pair(topic, here, family, key, difference, same):
    first = packet_of(family, "nothing")
    second = packet_of(family, difference)
    topic.case(f"{here.name}: {difference} differs", here, second,
               forwarded(here, second, "any", events=HIT if same else MISS), before=[packet_step(first)])


def packet_of(family, difference):
    sport = 40001 if difference == "source port" else 40000
    dport = 54 if difference == "destination port" else 53
    source = ANOTHER_CLIENT[family] if difference == "source address" else CLIENT[family]
    return bytes(ethernet() / ip(family, src=source) / udp(sport=sport, dport=dport) / Raw(b"data"))


def make_close(topic):
    """A FIN ends a flow of one connection only: under a coarser key others share the entry."""
    for key in KEYS:
        here = world(f"FIN under {key}", pool(), service("web", 4, "tcp", hash=key, idle_timeout="350s"))
        packets = [bytes(ethernet() / ip(4) / tcp(flags=flags)) for flags in ("S", "A", "FA", "S")]
        events = MISS if key == "five_tuple" else HIT
        topic.case(f"SYN after FIN under {key}", here, packets[3],
                   forwarded(here, packets[3], "web", events=events),
                   before=[packet_step(packet) for packet in packets[:3]])


def make_protocols(topic):
    """The service is part of every key, so TCP and UDP of a tcp_udp service are two flows."""
    here = world("tcp_udp by source", pool(), service("dns", 4, "tcp_udp", 53, hash="source"))
    first = bytes(ethernet() / ip(4) / udp(dport=53))
    second = bytes(ethernet() / ip(4) / tcp(dport=53))
    topic.case("tcp_udp by source: the other protocol is another flow", here, second,
               forwarded(here, second, "dns", events=MISS), before=[packet_step(first)])
