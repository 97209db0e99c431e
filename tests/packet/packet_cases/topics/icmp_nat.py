# SPDX-License-Identifier: Apache-2.0
"""ICMP errors about packets that were translated, from either side, to the other end. RFC 5508 §4.2, RFC 7915 §4.2."""

from scapy.all import UDP, Ether

from ..expected import dropped
from ..expected_nat import Sides, answer, error_bytes
from ..files import age_step, mark_step, packet_step, world_step
from ..icmp import answered_echo, echo_request, time_exceeded
from ..packets import at, ethernet, frame, ip, udp
from ..worlds import BACKEND, CLIENT, OUR_LAN, VIP, ctag, hops
from .icmp_passed import HOP, USEFUL, USELESS, message
from .nat import SOURCE, nat_world

INNER_HOP = {4: "10.0.0.254", 6: "fd00::fe"}  # a router between Guideway and the backend
TTL = 61
FROM_BACKEND = {"src": "02:00:00:00:00:11", "dst": OUR_LAN}


def make(topic):
    here = nat_world()
    for family in (4, 6):
        for protocol in ("tcp", "udp"):
            make_flow(topic, here, family, protocol)
        make_kinds(topic, here, family)
        make_shapes(topic, here, family)
        make_strangers(topic, here, family)
        make_own(topic, here, family)
    make_worlds(topic, here)


def known(here, family=4, protocol="tcp"):
    first = frame(family, protocol)
    return Sides(here, first, f"{protocol}{family}"), [packet_step(first)]


def unreachable(family):
    return message(4, 3, 3) if family == 4 else message(6, 1, 4)


def error(link, source, destination, said, quote):
    return error_bytes(link, source, destination, said, quote, TTL + 1)


def to_nat(family, quote, said=None, source=None, link=None, to=None):
    """From the backends' side."""
    link = link or ethernet(**FROM_BACKEND)
    return error(link, source or INNER_HOP[family], to or SOURCE[family], said or unreachable(family), quote)


def to_vip(family, quote, said=None, source=None, link=None):
    """From the clients' side."""
    return error(link or ethernet(), source or HOP[family], VIP[family], said or unreachable(family), quote)


def make_flow(topic, here, family, protocol):
    """From routers and from the ends themselves, with much and with little quoted."""
    name = f"{protocol}{family}"
    sides, before = known(here, family, protocol)
    header, said = {4: 20, 6: 40}[family], unreachable(family)
    for who, inner, outer in (("a router", INNER_HOP, HOP), ("the end", BACKEND, CLIENT)):
        for most in (None, header + 4, header + 5, header + 7, header + 8, header + 17, header + 18, header + 20):
            much = "all" if most is None else f"{most - header} bytes of L4"
            there, shown = same_end(sides.quotes(most=most, **hop_count(family)), header, protocol)
            topic.case(f"{name}: {who} behind us, {much}", here, to_nat(family, there, source=inner[family]),
                       sides.error_to_client(said, shown, inner[family], TTL), before=before)
            there, shown = same_end(sides.quotes(to_client=True, most=most, **hop_count(family))[::-1], header, protocol)
            topic.case(f"{name}: {who} before us, {much}", here, to_vip(family, there, source=outer[family]),
                       sides.error_to_backend(said, shown, outer[family], TTL), before=before)


def same_end(quotes, header, protocol):
    """(as it comes, as it goes): the first byte of a checksum alone stays what it was."""
    there, shown = quotes
    if len(there) == header + (17 if protocol == "tcp" else 7):
        shown = shown[:-1] + there[-1:]
    return there, shown


def hop_count(family):
    """What is left of it where the error is made."""
    return {"ttl": 3} if family == 4 else {"hlim": 3}


def make_kinds(topic, here, family):
    sides, before = known(here, family)
    there, shown = sides.quotes()
    back_shown, back_there = sides.quotes(to_client=True)
    for kind, code in USEFUL[family]:
        said = message(family, kind, code, 1400)
        topic.case(f"IPv{family}, type {kind}, code {code}, to the client", here, to_nat(family, there, said),
                   sides.error_to_client(said, shown, INNER_HOP[family], TTL), before=before)
        topic.case(f"IPv{family}, type {kind}, code {code}, to the backend", here, to_vip(family, back_there, said),
                   sides.error_to_backend(said, back_shown, HOP[family], TTL), before=before)
    for kind, code in USELESS[family]:
        said = message(family, kind, code)
        topic.case(f"IPv{family}, type {kind}, code {code}, from behind", here, to_nat(family, there, said),
                   dropped("icmp_error"), before=before)
        topic.case(f"IPv{family}, type {kind}, code {code}", here, to_vip(family, back_there, said),
                   dropped("icmp_error"), before=before)
    least, (kind, code) = {4: (576, (3, 4)), 6: (1280, (2, 0))}[family]
    for mtu in (0, 68, least - 1, least):
        raised = message(family, kind, code, max(mtu, least))
        events = {"icmp_errors_passed": 1, **({"icmp_mtu_raised": 1} if mtu < least else {})}
        topic.case(f"IPv{family}, MTU {mtu}, to the client", here, to_nat(family, there, message(family, kind, code, mtu)),
                   {**sides.error_to_client(raised, shown, INNER_HOP[family], TTL), "events": events}, before=before)
        topic.case(f"IPv{family}, MTU {mtu}, to the backend", here,
                   to_vip(family, back_there, message(family, kind, code, mtu)),
                   {**sides.error_to_backend(raised, back_shown, HOP[family], TTL), "events": events}, before=before)


def make_shapes(topic, here, family):
    sides, before = known(here, family)
    said, header = unreachable(family), {4: 20, 6: 40}[family]
    there, shown = sides.quotes(most=header + 8)
    padding = b"\x5a" * 30  # behind the packet: no checksum stands there
    topic.case(f"IPv{family}, 8 bytes of L4 and padding, to the client", here, to_nat(family, there) + padding,
               sides.error_to_client(said, shown, INNER_HOP[family], TTL, padding), before=before)
    back_shown, back_there = sides.quotes(to_client=True, most=header + 8)
    topic.case(f"IPv{family}, 8 bytes of L4 and padding, to the backend", here, to_vip(family, back_there) + padding,
               sides.error_to_backend(said, back_shown, HOP[family], TTL, padding), before=before)
    tagged = ethernet([ctag(5)], **FROM_BACKEND)
    topic.case(f"IPv{family}, with a tag, to the client", here, to_nat(family, there, link=tagged),
               sides.error_to_client(said, shown, INNER_HOP[family], TTL), before=before)
    first = frame(family, vlans=[ctag(7)])
    topic.case(f"IPv{family}, to a client behind a tag", here, to_nat(family, there),
               sides.error_to_client(said, shown, INNER_HOP[family], TTL, vlans=[ctag(7)]), before=[packet_step(first)])
    last = at(to_nat(family, there), 14 + (8 if family == 4 else 7), b"\x01")
    topic.case(f"IPv{family}, at the end of its TTL", here, last, dropped("ttl_expired"), before=before)
    plain_udp, before_udp = known(here, family, "udp")
    for checksum in (0, 0xFFFF) if family == 4 else (0xFFFF,):
        def build(sport, dport, checksum=checksum):
            return UDP(sport=sport, dport=dport, chksum=checksum)
        there, shown = plain_udp.quotes(build=build)
        if checksum:  # as wrong as it was: what the change adds, in one's complement
            shown = at(shown, header + 6, shifted(there, shown, header, checksum))
        topic.case(f"IPv{family}, a quoted UDP checksum of {checksum:#x}", here, to_nat(family, there),
                   plain_udp.error_to_client(said, shown, INNER_HOP[family], TTL), before=before_udp)
    if family == 4:
        options = [b"\x01" * 40]
        there, shown = sides.quotes(options=options)
        topic.case("IPv4, the quote has options", here, to_nat(4, there),
                   sides.error_to_client(said, shown, INNER_HOP[4], TTL), before=before)
        packet = error_bytes(ethernet(**FROM_BACKEND), INNER_HOP[4], SOURCE[4], said, there, TTL + 1, options=options)
        expect = sides.error_to_client(said, shown, INNER_HOP[4], TTL)
        link = Ether(src=Ether(sides.frame).dst, dst=Ether(sides.frame).src)
        expect["bytes"] = error_bytes(link, INNER_HOP[4], CLIENT[4], said, shown, TTL, options=options).hex()
        topic.case("IPv4, the error has options", here, packet, expect, before=before)
        there, shown = sides.quotes(flags="MF")
        topic.case("IPv4, the quote is a first fragment", here, to_nat(4, there),
                   sides.error_to_client(said, shown, INNER_HOP[4], TTL), before=before)
        there, _ = sides.quotes(frag=100)
        topic.case("IPv4, the quote is a later fragment", here, to_nat(4, there), dropped("icmp_error"), before=before)


def shifted(there, shown, header, checksum):
    """A checksum that is not right, after the translation: wrong by as much."""
    def words(data):
        parts = data[12:20] + data[20:24] if header == 20 else data[8:40] + data[40:44]
        return sum(int.from_bytes(parts[i:i + 2], "big") for i in range(0, len(parts), 2))
    value = (0xFFFF - checksum + words(shown) - words(there)) % 0xFFFF
    return (0xFFFF - value or 0xFFFF).to_bytes(2, "big")


def make_strangers(topic, here, family):
    """Nothing that Guideway has sent: not passed on, and no flow is changed."""
    sides, before = known(here, family)
    there, _ = sides.quotes()
    _, back_there = sides.quotes(to_client=True)
    header = {4: 20, 6: 40}[family]
    destination = {4: 16, 6: 24}[family]
    other = {4: b"\x09\x08\x07\x06", 6: b"\x20\x01" + b"\x09" * 14}[family]
    cases = (("a port that is free", at(there, header, b"\xff\xfe")), ("a port below the range", at(there, header, b"\0\x16")),
             ("another backend", at(there, destination, other)), ("another port of the backend", at(there, header + 2, b"\0\x50")),
             ("another sender", at(there, {4: 12, 6: 8}[family], other)), ("3 bytes of L4", there[:header + 3]),
             ("the backend's own packet", sides.quotes(to_client=True)[0]))
    for name, quote in cases:
        topic.case(f"IPv{family}, from behind, quotes {name}", here, to_nat(family, quote), dropped("icmp_error"),
                   before=before)
    cases = (("another client", at(back_there, destination, other)),
             ("another port of the client", at(back_there, header + 2, b"\0\x50")),
             ("another sender", at(back_there, {4: 12, 6: 8}[family], other)),
             ("the client's own packet", sides.frame[14:]))
    for name, quote in cases:
        topic.case(f"IPv{family}, quotes {name}", here, to_vip(family, quote), dropped("icmp_error"), before=before)
    topic.case(f"IPv{family}, from behind, of no flow", here, to_nat(family, there), dropped("icmp_error"))
    topic.case(f"IPv{family}, of no flow", here, to_vip(family, back_there), dropped("icmp_error"))
    over = [*before, age_step(31)]
    topic.case(f"IPv{family}, from behind, the flow is over", here, to_nat(family, there), dropped("icmp_error"), before=over)
    topic.case(f"IPv{family}, the flow is over", here, to_vip(family, back_there), dropped("icmp_error"), before=over)
    refreshed = [*before, age_step(30), packet_step(to_nat(family, there)), packet_step(to_vip(family, back_there)), age_step(1)]
    topic.case(f"IPv{family}, an error keeps no flow alive", here, to_nat(family, there), dropped("icmp_error"), before=refreshed)


def make_own(topic, here, family):
    """What is no error goes its usual way."""
    ping = bytes(ethernet() / ip(family) / echo_request(family))
    topic.case(f"IPv{family}, ping", here, ping, answered_echo(ping))
    expired = bytes(ethernet() / ip(family, **({"ttl": 1} if family == 4 else {"hlim": 1})) / udp())
    topic.case(f"IPv{family}, TTL 1", here, expired, time_exceeded(expired))


def make_worlds(topic, here):
    sides, before = known(here)
    there, shown = sides.quotes()
    back_shown, back_there = sides.quotes(to_client=True)
    said = unreachable(4)
    marked = [*before, mark_step("b1")]
    topic.case("a marked flow, to the backend", here, to_vip(4, back_there),
               sides.error_to_backend(said, back_shown, HOP[4], TTL), before=marked)
    topic.case("a marked flow, to the client", here, to_nat(4, there),
               sides.error_to_client(said, shown, INNER_HOP[4], TTL), before=marked)
    opened = [*before, packet_step(answer(here, sides.frame)), packet_step(frame(flags="A", ack=10))]
    topic.case("an established flow", here, to_nat(4, there),
               sides.error_to_client(said, shown, INNER_HOP[4], TTL), before=opened)
    lost = nat_world("no neighbour", {**hops(), BACKEND[4]: {"state": "failed"}})
    topic.case("the next hop is lost", here, to_vip(4, back_there), dropped("no_neighbour"),
               before=[*before, world_step(lost)])
    narrow = nat_world("a path of 100 bytes", {**hops(), **hops(BACKEND[4], mtu=100)})
    _, long = sides.quotes(to_client=True, data=b"x" * 60)
    topic.case("larger than the path", narrow, to_vip(4, long), dropped("mtu_exceeded"), before=before)
