# SPDX-License-Identifier: Apache-2.0
"""Echo requests to a VIP, answered; and what is not."""

from scapy.all import ICMP, ICMPv6EchoReply, IPv6ExtHdrHopByHop, Raw

from ..expected import dropped, to_kernel
from ..files import packet_step
from ..icmp import HELD_BACK, answered_echo, echo_request
from ..packets import at, ethernet, ip, with_ipv4_checksum
from ..worlds import OTHER, VIP, ctag, pool, services_for_all, stag, world

NOBODY = {4: ("0.0.0.0", "127.0.0.1", "224.0.0.5", "240.0.0.1", "255.255.255.255"),
          6: ("::", "::1", "ff02::1", "::ffff:192.0.2.7", "::192.0.2.7")}
PLACE = {4: 26, 6: 22}  # of the source address


def make(topic):
    here = world("plain", pool(), services_for_all())
    for family in (4, 6):
        make_answered(topic, here, family)
        make_sources(topic, here, family)
        make_rate(topic, family)
    make_checksums(topic, here)
    make_for_the_host(topic, here)


def request(family, vlans=(), data=b"ping", number=7, sequence=1, **fields):
    return bytes(ethernet(vlans) / ip(family, **fields) / echo_request(family, data, number, sequence))


def make_answered(topic, here, family):
    for tags, name in (([], "no tag"), ([ctag(7)], "one tag"), ([stag(7), ctag(8)], "two tags")):
        packet = request(family, tags)
        topic.case(f"IPv{family}, {name}", here, packet, answered_echo(packet))
    for length in (0, 1, 2, 3, 63, 1400):
        packet = request(family, data=bytes(i & 0xFF for i in range(length)))
        topic.case(f"IPv{family}, {length} bytes of data", here, packet, answered_echo(packet))
    padded = request(family) + b"\xee" * 18
    topic.case(f"IPv{family}, bytes behind the packet", here, padded, answered_echo(padded))
    for fields in ({"ttl": 1} if family == 4 else {"hlim": 1}, {"tos": 3} if family == 4 else {"tc": 3}):
        packet = request(family, **fields)
        topic.case(f"IPv{family}, {fields}", here, packet, answered_echo(packet))
    tunnel = world(f"ipip, IPv{family}", pool(forwarding="ipip"), services_for_all())
    packet = request(family)
    topic.case(f"IPv{family}, the pool has a tunnel", tunnel, packet, answered_echo(packet))
    if family == 4:
        short = with_ipv4_checksum(at(packet, 16, (27).to_bytes(2, "big")))[:34 + 7]
    else:
        short = at(packet, 18, (7).to_bytes(2, "big"))[:54 + 7]
    topic.case(f"IPv{family}, seven bytes of ICMP", here, short, dropped("l4_truncated"))


def make_checksums(topic, here):
    """Data chosen so that the checksum is at the edges of its sum; and a reply that is all zeros."""
    zeros = request(4, data=b"\0" * 8, number=0, sequence=0)
    topic.case("IPv4, all zeros", here, zeros, answered_echo(zeros))
    base = int.from_bytes(request(4, data=b"\0\0")[36:38], "big")
    for wanted in (0x0001, 0xF7FE, 0xF7FF, 0xF800, 0xFFFE, 0xFFFF):
        word = base - wanted
        word = word if word >= 0 else word + 0xFFFF
        packet = request(4, data=word.to_bytes(2, "big"))
        topic.case(f"IPv4, checksum {int.from_bytes(packet[36:38], 'big'):#06x}", here, packet,
                   answered_echo(packet))


def make_sources(topic, here, family):
    """What is no address of one host is not answered."""
    import ipaddress
    for source in (*NOBODY[family], VIP[family]):
        packet = at(request(family), PLACE[family], ipaddress.ip_address(source).packed)
        topic.case(f"IPv{family}, from {source}", here, packet, dropped("bad_source"))
    group = at(request(family), 6, b"\x01\x00\x5e\x00\x00\x01")
    topic.case(f"IPv{family}, from a multicast MAC address", here, group, dropped("bad_source"))


def make_rate(topic, family):
    few = world(f"3 a second, IPv{family}", pool(), services_for_all(), director="icmp_rate = 3")
    none = world(f"none, IPv{family}", pool(), services_for_all(), director="icmp_rate = 0")
    packet = request(family)
    topic.case(f"IPv{family}, the third in a second", few, packet, answered_echo(packet),
               before=[packet_step(packet)] * 2)
    topic.case(f"IPv{family}, the fourth in a second", few, packet, dropped("icmp_limited", HELD_BACK),
               before=[packet_step(packet)] * 3)
    topic.case(f"IPv{family}, a rate of 0", none, packet, dropped("icmp_limited", HELD_BACK))


def make_for_the_host(topic, here):
    kernel = world("vip_icmp is kernel", pool(), services_for_all(), director='vip_icmp = "kernel"')
    for family in (4, 6):
        topic.case(f"IPv{family}, vip_icmp = kernel", kernel, request(family), to_kernel("other_protocol"))
        other = request(family, dst=OTHER[family])
        topic.case(f"IPv{family}, another address", here, other, to_kernel("other_protocol"))
    options = bytes(ethernet() / ip(4, options=[b"\x01\x01\x01\x01"]) / echo_request(4))
    topic.case("IPv4, with options", here, options, to_kernel("other_protocol"))
    extended = bytes(ethernet() / ip(6) / IPv6ExtHdrHopByHop() / echo_request(6))
    topic.case("IPv6, behind a hop-by-hop header", here, extended, to_kernel("other_protocol"))
    for kind in (0, 9, 10, 13, 17):
        times = {"ts_ori": 1, "ts_rx": 2, "ts_tx": 3} if kind == 13 else {}
        packet = bytes(ethernet() / ip(4) / ICMP(type=kind, **times) / Raw(b"data"))
        topic.case(f"IPv4, type {kind}", here, packet, to_kernel("other_protocol"))
    answer = bytes(ethernet() / ip(6) / ICMPv6EchoReply(data=b"data"))
    topic.case("IPv6, an echo reply", here, answer, to_kernel("other_protocol"))
    swapped = at(request(4), 23, b"\x3a")
    topic.case("IPv4, ICMPv6's protocol number", here, swapped, to_kernel("other_protocol"))
