# SPDX-License-Identifier: Apache-2.0
"""ICMP errors that Guideway makes itself: time exceeded, and too big."""

import ipaddress

from ..expected import HIT, MISS, dropped
from ..files import packet_step
from ..icmp import HELD_BACK, time_exceeded, too_big
from ..packets import Raw, at, ethernet, ip, tcp, udp
from ..worlds import BACKEND, VIP, ctag, hops, pool, services_for_all, stag, world
from .echo import NOBODY, PLACE

TTL = {4: "ttl", 6: "hlim"}
IP_HEADER = {4: 20, 6: 40}


def make(topic):
    here = world("plain", pool(), services_for_all())
    for family in (4, 6):
        make_time_exceeded(topic, here, family)
        make_unanswered(topic, here, family)
        make_rate(topic, family)
        make_too_big(topic, family)
    small = world("an IPv6 path that is too small", pool(forwarding="ipip", backends=[("b1", BACKEND[6], "")]),
                  services_for_all(), next_hops=hops(BACKEND[6], mtu=1280))
    packet = sized(6, 1280)
    topic.case("IPv6, a packet that has to fit, and does not", small, packet, dropped("mtu_exceeded", MISS))
    packet = sized(6, 1281)
    topic.case("IPv6, never less than 1280", small, packet, too_big(packet, 1280, MISS))


def sized(family, length, **fields):
    """A UDP packet of so many bytes that may not be fragmented."""
    fields = {"flags": "DF", **fields} if family == 4 else fields
    return bytes(ethernet() / ip(family, **fields) / udp() / Raw(b"m" * (length - IP_HEADER[family] - 8)))


def make_time_exceeded(topic, here, family):
    for ttl in (0, 1):
        for layer in (tcp(), tcp(flags="PA", ack=5), udp()):
            for tags in ([], [ctag(7)], [stag(7), ctag(8)]):
                packet = bytes(ethernet(tags) / ip(family, **{TTL[family]: ttl}) / layer / Raw(b"hello"))
                topic.case(f"IPv{family}, TTL {ttl}, {layer.summary()}, {len(tags)} tags", here, packet,
                           time_exceeded(packet))
    for length in (547, 548, 549, 1231, 1232, 1233, 1500):
        packet = sized(family, length, **{TTL[family]: 1})
        topic.case(f"IPv{family}, TTL 1, {length} bytes", here, packet, time_exceeded(packet))
    padded = sized(family, 60, **{TTL[family]: 1}) + b"\xee" * 9
    topic.case(f"IPv{family}, TTL 1, bytes behind the packet", here, padded, time_exceeded(padded))
    if family == 4:
        options = bytes(ethernet() / ip(4, ttl=1, options=[b"\x01" * 40]) / udp() / Raw(b"data"))
        topic.case("IPv4, TTL 1, options", here, options, time_exceeded(options))


def make_unanswered(topic, here, family):
    for source in (*NOBODY[family], VIP[family]):
        packet = at(sized(family, 100, **{TTL[family]: 1}), PLACE[family], ipaddress.ip_address(source).packed)
        topic.case(f"IPv{family}, TTL 1, from {source}", here, packet, dropped("ttl_expired"))


def make_rate(topic, family):
    few = world(f"2 a second, IPv{family}", pool(), services_for_all(), director="icmp_rate = 2")
    packet = sized(family, 100, **{TTL[family]: 1})
    topic.case(f"IPv{family}, TTL 1, the third in a second", few, packet, dropped("ttl_expired", HELD_BACK),
               before=[packet_step(packet)] * 2)
    low = world(f"2 a second, small MTU, IPv{family}", pool(), services_for_all(), director="icmp_rate = 2",
                next_hops=hops(mtu=1400))
    large = sized(family, 1500)
    topic.case(f"IPv{family}, too big, the third in a second", low, large,
               dropped("mtu_exceeded", {**HIT, **HELD_BACK}), before=[packet_step(large)] * 2)
    topic.case(f"IPv{family}, too big, after as many of TTL 1 as are answered", low, large, too_big(large, 1400, MISS),
               before=[packet_step(packet)] * 2)
    topic.case(f"IPv{family}, TTL 1, after as many too big as are answered", low, packet, time_exceeded(packet),
               before=[packet_step(large)] * 2)


def make_too_big(topic, family):
    for mode, between in (("l2dsr", 0), ("ipip", 0), ("gre", 4), ("gue", 12), ("vxlan", 30)):
        for outer in (4, 6):
            here = world(f"{mode}, outer IPv{outer}, inner IPv{family}, 1500",
                         pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")]), services_for_all())
            room = 1500 - between - (0 if mode == "l2dsr" else IP_HEADER[outer])
            for length in (room + 1, 1800):
                packet = sized(family, length)
                topic.case(f"{here.name}: {length} bytes", here, packet, too_big(packet, room, MISS))
