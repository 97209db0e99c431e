# SPDX-License-Identifier: Apache-2.0
"""Packets that nobody sends in good faith, and what is expected of each. Many more are in the other topics."""

from scapy.all import ICMP, IPv6ExtHdrDestOpt, IPv6ExtHdrRouting, Raw

from ..expected import STRANGER, dropped, forwarded, to_kernel
from ..icmp import answered_echo, echo_request
from ..packets import ethernet, frame, ip, tcp, udp
from ..worlds import CLIENT, VIP, pool, services_for_all, world

MISSED = {"flow_misses": 1}


def make(topic):
    here = world("plain", pool(), services_for_all())
    strict = world("unserved ports are dropped", pool(), services_for_all(), director='unserved_ports = "drop"')
    for family in (4, 6):
        make_land(topic, here, family)
        make_flags(topic, here, family)
        make_ports(topic, here, strict, family)
        make_multicast(topic, here, family)
    make_chains(topic, here)


def make_land(topic, here, family):
    """From the VIP to the VIP."""
    for layer in (tcp(sport=80), tcp("A", sport=80), udp(sport=80), udp(sport=53)):
        packet = bytes(ethernet() / ip(family, src=VIP[family]) / layer)
        topic.case(f"IPv{family}, LAND, {layer.summary()}", here, packet,
                   dropped("bad_source", MISSED))


def make_flags(topic, here, family):
    for flags, name in (("FSRPAUEC", "christmas tree"), ("FPU", "xmas scan"), ("", "null scan"), ("SF", "SYN and FIN"),
                        ("SR", "SYN and RST")):
        packet = frame(family, flags=flags)
        events = None if "S" in flags else STRANGER
        topic.case(f"IPv{family}, {name}", here, packet, forwarded(here, packet, f"tcp{family}", events=events))


def make_ports(topic, here, strict, family):
    for protocol in ("tcp", "udp"):
        packet = frame(family, protocol, dport=81)
        topic.case(f"{protocol}{family}, a port without service", here, packet, to_kernel("no_service"))
        topic.case(f"{protocol}{family}, a port without service, drop", strict, packet, dropped("unserved_port"))
        other = bytes(ethernet() / ip(family, dst=CLIENT[family]) / (tcp() if protocol == "tcp" else udp()))
        topic.case(f"{protocol}{family}, not for a VIP, drop", strict, other, to_kernel("no_service"))
        served = frame(family, protocol)
        topic.case(f"{protocol}{family}, a port with a service, drop", strict, served,
                   forwarded(strict, served, f"{protocol}{family}"))
    ping = bytes(ethernet() / ip(family) / echo_request(family))
    topic.case(f"IPv{family}, ping, drop", strict, ping, answered_echo(ping))
    gre = bytes(ethernet() / ip(family, **({"proto": 47} if family == 4 else {"nh": 47})) / Raw(b"\0" * 20))
    topic.case(f"IPv{family}, another protocol, drop", strict, gre, to_kernel("other_protocol"))


def make_multicast(topic, here, family):
    group = {4: ("01:00:5e:00:00:05", "224.0.0.5"), 6: ("33:33:00:00:00:01", "ff02::1")}[family]
    for mac, destination in ((group[0], VIP[family]), (group[0], group[1]), ("ff:ff:ff:ff:ff:ff", VIP[family])):
        packet = bytes(ethernet(dst=mac) / ip(family, dst=destination) / echo_request(family))
        topic.case(f"IPv{family}, ping of {destination} at {mac}", here, packet, to_kernel("not_unicast"))
        expired = bytes(ethernet(dst=mac) / ip(family, **{"ttl" if family == 4 else "hlim": 1}) / udp())
        if destination == VIP[family]:
            topic.case(f"IPv{family}, TTL 1 at {mac}", here, expired, to_kernel("not_unicast"))
    unicast_mac = bytes(ethernet() / ip(family, dst=group[1]) / echo_request(family))
    topic.case(f"IPv{family}, ping of {group[1]} at our address", here, unicast_mac,
               to_kernel("other_protocol"))


def make_chains(topic, here):
    """Extension headers up to the bound, with something behind them that is not what it seems."""
    six = ip(6)
    for _ in range(6):
        six /= IPv6ExtHdrDestOpt()
    ping = bytes(ethernet() / six / echo_request(6))
    topic.case("IPv6, ping behind six extension headers", here, ping, to_kernel("other_protocol"))
    seven = bytes(ethernet() / six / IPv6ExtHdrDestOpt() / echo_request(6))
    topic.case("IPv6, ping behind seven extension headers", here, seven, dropped("ipv6_extensions"))
    routed = bytes(ethernet() / ip(6) / IPv6ExtHdrRouting(segleft=1, addresses=[CLIENT[6]]) / echo_request(6))
    topic.case("IPv6, ping with a routing header", here, routed, to_kernel("other_protocol"))
    smurf = bytes(ethernet() / ip(4, src="192.0.2.255") / ICMP())
    topic.case("IPv4, ping in another's name", here, smurf, answered_echo(smurf))
