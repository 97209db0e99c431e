# SPDX-License-Identifier: Apache-2.0
"""ICMP errors of routers and clients about what a backend has sent: sent on to that backend, or dropped."""

from scapy.all import (ICMP, IP, ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6ParamProblem, ICMPv6TimeExceeded,
                       ICMPv6Unknown, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw)

from ..expected import dropped, to_kernel
from ..files import packet_step, world_step
from ..icmp import HELD_BACK, Flow, passed_on
from ..packets import at, ethernet, frame, ip, tcp, udp
from ..worlds import BACKEND, CLIENT, OTHER, VIP, ctag, hops, pool, service, services_for_all, world

HOP = {4: "192.0.2.254", 6: "2001:db8:7::fe"}  # a router on the way to the client
USEFUL = {4: ((3, 0), (3, 1), (3, 3), (3, 4), (3, 13), (11, 0), (11, 1), (12, 0)),
          6: ((1, 0), (1, 4), (2, 0), (3, 0), (3, 1), (4, 0))}
USELESS = {4: ((4, 0), (5, 0), (5, 1)), 6: ((0, 0), (5, 0), (100, 0), (127, 0))}


def make(topic):
    for mode in ("l2dsr", "ipip", "gre", "gue", "vxlan"):
        for outer in (4, 6):
            here = world(f"{mode}-outer{outer}", pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")]),
                         services_for_all())
            for family in (4, 6):
                for protocol in ("tcp", "udp"):
                    packet = about(family, 3, 3, protocol) if family == 4 else about(6, 1, 4, protocol)
                    topic.case(f"{mode}, outer IPv{outer}, {protocol}{family}", here, packet,
                               passed_on(here, packet, flow(family, protocol), f"{protocol}{family}"))
    plain = world("plain", pool(), services_for_all())
    for family in (4, 6):
        make_kinds(topic, plain, family)
        make_mtu(topic, plain, family)
        make_quotes(topic, plain, family)
        make_foreign(topic, plain, family)
        make_flows(topic, family)
        make_rate(topic, family)


def flow(family, protocol="tcp"):
    return Flow(CLIENT[family], VIP[family], protocol)


def quoted(family, protocol="tcp", most=None, **fields):
    """What a backend has sent to the client, as a router sees it; the first `most` bytes of it."""
    header = (IP if family == 4 else IPv6)(**{"src": VIP[family], "dst": CLIENT[family], **fields})
    layer = tcp("A", sport=80, dport=40000, ack=9) if protocol == "tcp" else udp(sport=80, dport=40000)
    return bytes(header / layer / Raw(b"answer" * 10))[:most]


def message(family, kind, code, mtu=0):
    if family == 4:
        return ICMP(type=kind, code=code, nexthopmtu=mtu) if kind == 3 else ICMP(type=kind, code=code)
    kinds = {1: ICMPv6DestUnreach, 3: ICMPv6TimeExceeded, 4: ICMPv6ParamProblem}
    if kind == 2:
        return ICMPv6PacketTooBig(code=code, mtu=mtu)
    return kinds[kind](code=code) if kind in kinds else ICMPv6Unknown(type=kind, code=code, msgbody=b"\0" * 4)


def error(family, kind, code, quote, mtu=1400, vlans=(), **fields):
    data = message(family, kind, code, mtu) / Raw(quote)
    return bytes(ethernet(vlans) / ip(family, **{"src": HOP[family], **fields}) / data)


def about(family, kind, code, protocol="tcp", **more):
    return error(family, kind, code, quoted(family, protocol), **more)


def port_unreachable(family, quote, **more):
    return error(4, 3, 3, quote, **more) if family == 4 else error(6, 1, 4, quote, **more)


def make_kinds(topic, here, family):
    for kind, code in USEFUL[family]:
        packet = about(family, kind, code)
        topic.case(f"IPv{family}, type {kind}, code {code}", here, packet,
                   passed_on(here, packet, flow(family), f"tcp{family}"))
    for kind, code in USELESS[family]:
        topic.case(f"IPv{family}, type {kind}, code {code}", here, about(family, kind, code), dropped("icmp_error"))
    tagged = port_unreachable(family, quoted(family), vlans=[ctag(9)])
    topic.case(f"IPv{family}, with a tag", here, tagged, passed_on(here, tagged, flow(family), f"tcp{family}"))
    last = port_unreachable(family, quoted(family), **({"ttl": 1} if family == 4 else {"hlim": 1}))
    topic.case(f"IPv{family}, at the end of its TTL", here, last, dropped("ttl_expired"))
    if family == 4:
        options = port_unreachable(4, quoted(4), options=[b"\x01\x01\x01\x01"])
        topic.case("IPv4, the error has options", here, options, passed_on(here, options, flow(4), "tcp4"))
        reserved = at(about(4, 3, 4), 38, b"\x12\x34")
        topic.case("IPv4, bytes where there should be none", here, reserved,
                   passed_on(here, reserved, flow(4), "tcp4"))
    else:
        extended = bytes(ethernet() / ip(6, src=HOP[6]) / IPv6ExtHdrHopByHop()
                         / message(6, 1, 4) / Raw(quoted(6)))
        topic.case("IPv6, the error has a hop-by-hop header", here, extended,
                   passed_on(here, extended, flow(6), "tcp6"))


def make_mtu(topic, here, family):
    least = {4: 576, 6: 1280}[family]
    kind, code = {4: (3, 4), 6: (2, 0)}[family]
    for mtu in (0, 68, least - 1, least, least + 1, 9000, *((65536, 70000) if family == 6 else ())):
        packet = about(family, kind, code, mtu=mtu)
        if mtu < least:
            raised = about(family, kind, code, mtu=least)
            expect = passed_on(here, packet, flow(family), f"tcp{family}", as_if=raised,
                               events={"icmp_mtu_raised": 1})
        else:
            expect = passed_on(here, packet, flow(family), f"tcp{family}")
        topic.case(f"IPv{family}, MTU {mtu}", here, packet, expect)


def make_quotes(topic, here, family):
    header = {4: 20, 6: 40}[family]
    for behind in (4, 5, 7, 8, 9, 20):
        packet = port_unreachable(family, quoted(family, most=header + behind))
        topic.case(f"IPv{family}, {behind} bytes quoted behind the IP header", here, packet,
                   passed_on(here, packet, flow(family), f"tcp{family}"))
    for length in (0, 1, 19, 20, 23, 39, 40, 43):
        if length < header + 4:
            packet = port_unreachable(family, quoted(family, most=length))
            topic.case(f"IPv{family}, {length} bytes quoted", here, packet, dropped("icmp_error"))
            padded = packet + b"\0" * 40  # what stands behind the packet is not its own
            topic.case(f"IPv{family}, {length} bytes quoted, and padding", here, padded, dropped("icmp_error"))
    if family == 4:
        options = quoted(4, options=[b"\x01" * 40])
        packet = port_unreachable(4, options)
        topic.case("IPv4, the quote has options", here, packet, passed_on(here, packet, flow(4), "tcp4"))
        first = port_unreachable(4, quoted(4, flags="MF"))
        topic.case("IPv4, the quote is a first fragment", here, first, passed_on(here, first, flow(4), "tcp4"))
        later = port_unreachable(4, quoted(4, frag=100))
        topic.case("IPv4, the quote is a later fragment", here, later, dropped("icmp_error"))
        for byte in (0x05, 0x44, 0x55, 0x65):
            packet = port_unreachable(4, at(quoted(4), 0, bytes([byte])))
            topic.case(f"IPv4, the quote's first byte is {byte:#04x}", here, packet, dropped("icmp_error"))
    else:
        fragment = bytes(IPv6(src=VIP[6], dst=CLIENT[6]) / IPv6ExtHdrFragment(id=7, m=1) / tcp("A"))
        packet = port_unreachable(6, fragment)
        topic.case("IPv6, the quote has a fragment header", here, packet, dropped("icmp_error"))
        packet = port_unreachable(6, at(quoted(6), 0, b"\x40"))
        topic.case("IPv6, the quote's version is 4", here, packet, dropped("icmp_error"))


def make_foreign(topic, here, family):
    """Forged: the VIP's services cannot have sent what is quoted."""
    other = port_unreachable(family, quoted(family, src=OTHER[family]))
    topic.case(f"IPv{family}, quotes another sender", here, other, dropped("icmp_error"))
    turned = port_unreachable(family, frame(family)[14:])
    topic.case(f"IPv{family}, quotes the client's packet", here, turned, dropped("icmp_error"))
    header = (IP if family == 4 else IPv6)(src=VIP[family], dst=CLIENT[family])
    for number in (1, 41, 47, 50, 58, 255):
        header_field = {"proto": number} if family == 4 else {"nh": number}
        packet = port_unreachable(family, bytes(header.__class__(src=VIP[family], dst=CLIENT[family], **header_field)
                                                / Raw(b"\0" * 40)))
        topic.case(f"IPv{family}, quotes protocol {number}", here, packet, dropped("icmp_error"))
    port = bytes(header / tcp("A", sport=81, dport=40000))
    topic.case(f"IPv{family}, quotes a port without service", here, port_unreachable(family, port),
               to_kernel("no_service"))
    elsewhere = port_unreachable(family, quoted(family), dst=OTHER[family])
    topic.case(f"IPv{family}, to another address", here, elsewhere, to_kernel("other_protocol"))


def make_flows(topic, family):
    """The flow's entry says which backend, its slot only if there is none."""
    only = world(f"b1 alone, IPv{family}", pool(), services_for_all())
    both = world(f"b1 drained, IPv{family}",
                 pool(backends=[("b1", BACKEND[4], ', state = "drain"'), ("b2", "10.0.0.12", "")]),
                 services_for_all(), next_hops=hops(BACKEND[4], "10.0.0.12"))
    for protocol in ("tcp", "udp"):
        packet = port_unreachable(family, quoted(family, protocol))
        before = [packet_step(frame(family, protocol)), world_step(both)]
        topic.case(f"{protocol}{family}, to the flow's backend", only, packet,
                   passed_on(both, packet, flow(family, protocol), f"{protocol}{family}", "b1"), before=before)
        topic.case(f"{protocol}{family}, of no flow: to its slot's", both, packet,
                   passed_on(both, packet, flow(family, protocol), f"{protocol}{family}", "b2"))
    nobody = world(f"no backend, IPv{family}", pool(backends=[("b1", BACKEND[4], ', state = "drain"')]),
                   services_for_all())
    topic.case(f"IPv{family}, no backend", nobody, port_unreachable(family, quoted(family)), dropped("no_backend"))
    any_port = world(f"any port, IPv{family}", pool(), service("any", family, "tcp", 0))
    packet = port_unreachable(family, quoted(family))
    topic.case(f"IPv{family}, a service of any port", any_port, packet,
               passed_on(any_port, packet, flow(family), "any"))


def make_rate(topic, family):
    """Errors of unknown flows are few; those of a known one are not counted."""
    few = world(f"2 a second, IPv{family}", pool(), services_for_all(), director="icmp_rate = 2")
    packet = port_unreachable(family, quoted(family))
    topic.case(f"IPv{family}, the third of unknown flows in a second", few, packet,
               dropped("icmp_limited", HELD_BACK), before=[packet_step(packet)] * 2)
    before = [packet_step(frame(family))] + [packet_step(packet)] * 4
    topic.case(f"IPv{family}, the fifth of a known flow in a second", few, packet,
               passed_on(few, packet, flow(family), f"tcp{family}"), before=before)
