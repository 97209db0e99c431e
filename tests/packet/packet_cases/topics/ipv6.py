# SPDX-License-Identifier: Apache-2.0
"""The IPv6 header and its extension headers. RFC 8200 §3–4, RFC 4302 §2.2, RFC 6946 (atomic fragments)."""

from ..expected import dropped, forwarded, to_kernel
from ..icmp import time_exceeded
from ..packets import Raw, at, ethernet, frame, ip, tcp, udp
from ..worlds import OTHER, VIP, pool, services_for_all, world

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION = 0, 43, 44, 51, 60
TCP, UDP, ICMP6, ESP, NO_NEXT, SCTP = 6, 17, 58, 50, 59, 132


def extension(kind, following, length=8):
    """One extension header, in bytes, so that wrong ones can be made too."""
    if kind == FRAGMENT:
        return bytes([following, 0, 0, 0]) + b"\x12\x34\x56\x78"
    size = length // 4 - 2 if kind == AUTHENTICATION else length // 8 - 1
    return bytes([following, size, 1, 0]).ljust(length, b"\0")  # options: PadN, then Pad1


def chain(kinds, upper, data, **fields):
    """A frame with these extension headers: (kind, length) from the outside in."""
    following = [kind for kind, _ in kinds[1:]] + [upper]
    headers = b"".join(extension(kind, after, length) for (kind, length), after in zip(kinds, following))
    first = kinds[0][0] if kinds else upper
    return bytes(ethernet() / ip(6, nh=first, **fields) / Raw(headers + data))


def udp_bytes(data=b"data"):
    """UDP with its checksum, as it stands behind the extension headers."""
    return bytes(ip(6) / udp() / Raw(data))[40:]


def tcp_bytes(data=b""):
    return bytes(ip(6) / tcp() / Raw(data))[40:]


GOOD = {
    "hop-by-hop": [(HOP_BY_HOP, 8)],
    "hop-by-hop of 64 bytes": [(HOP_BY_HOP, 64)],
    "destination options": [(DESTINATION, 16)],
    "routing": [(ROUTING, 24)],
    "authentication of 12 bytes": [(AUTHENTICATION, 12)],
    "authentication of 24 bytes": [(AUTHENTICATION, 24)],
    "atomic fragment": [(FRAGMENT, 8)],
    "the order of RFC 8200": [(HOP_BY_HOP, 8), (DESTINATION, 8), (ROUTING, 24), (FRAGMENT, 8),
                              (AUTHENTICATION, 24), (DESTINATION, 8)],
    "six of a kind": [(DESTINATION, 8)] * 6,
}


def make(topic):
    for here in (world("l2dsr", pool(), services_for_all()),
                 world("ipip", pool(forwarding="ipip"), services_for_all())):
        for name, kinds in GOOD.items():
            for upper, data, service in ((UDP, udp_bytes(), "udp6"), (TCP, tcp_bytes(), "tcp6")):
                packet = chain(kinds, upper, data)
                topic.case(f"{here.name}, {service}: {name}", here, packet,
                           forwarded(here, packet, service))
        make_hop_limit(topic, here)
        make_padding(topic, here)
    plain = topic.worlds["l2dsr"]
    make_bad_chains(topic, plain)
    make_fragments(topic, plain)
    make_other_protocols(topic, plain)
    make_header(topic, plain)


def make_hop_limit(topic, here):
    for limit in (0, 1):
        packet = bytes(ethernet() / ip(6, hlim=limit) / udp())
        topic.case(f"{here.name}: hop limit {limit}", here, packet, time_exceeded(packet))
    for limit in (2, 255):
        packet = bytes(ethernet() / ip(6, hlim=limit) / udp())
        topic.case(f"{here.name}: hop limit {limit}", here, packet, forwarded(here, packet, "udp6"))


def make_padding(topic, here):
    for padding in (1, 7):
        packet = frame(6, "udp") + b"\xee" * padding
        topic.case(f"{here.name}: {padding} bytes behind the packet", here, packet,
                   forwarded(here, packet, "udp6"))


def make_bad_chains(topic, here):
    bad = dropped("ipv6_extensions")
    topic.case("seven extension headers", here, chain([(DESTINATION, 8)] * 7, UDP, udp_bytes()), bad)
    topic.case("hundred extension headers", here, chain([(HOP_BY_HOP, 8)] * 100, UDP, udp_bytes()), bad)
    # Six headers that each name the next as hop-by-hop again: it never reaches an upper layer.
    topic.case("a chain that goes on for ever", here, chain([(HOP_BY_HOP, 8)] * 6, HOP_BY_HOP, b""), bad)
    for left in range(0, 8):
        packet = bytes(ethernet() / ip(6, nh=HOP_BY_HOP) / Raw(extension(HOP_BY_HOP, UDP)[:left]))
        topic.case(f"extension header cut to {left} bytes", here, packet, bad)
    longer = at(chain([(HOP_BY_HOP, 8)], UDP, udp_bytes()), 55, b"\xff")
    topic.case("extension header longer than the packet", here, longer, bad)
    longer = at(chain([(AUTHENTICATION, 12)], UDP, udp_bytes()), 55, b"\xff")
    topic.case("authentication header longer than the packet", here, longer, bad)
    nothing = chain([(DESTINATION, 8)], UDP, b"")
    topic.case("nothing behind the extension headers", here, nothing, dropped("l4_truncated"))
    other = chain([(DESTINATION, 8)] * 7, UDP, udp_bytes(), dst=OTHER[6])
    topic.case("seven extension headers: to somebody else", here, other, to_kernel("no_service"))


def make_fragments(topic, here):
    atomic = chain([(FRAGMENT, 8)], UDP, udp_bytes())
    for name, bits in (("first", 0x0001), ("middle", 0x05A9), ("last", 0x0B50)):
        packet = at(atomic, 56, bits.to_bytes(2, "big"))
        topic.case(f"fragment: {name}", here, packet, dropped("fragment"))
    reserved = at(atomic, 56, b"\x00\x06")
    topic.case("atomic fragment with reserved bits", here, reserved, forwarded(here, reserved, "udp6"))
    behind = at(chain([(HOP_BY_HOP, 8), (FRAGMENT, 8)], UDP, udp_bytes()), 64, b"\x00\x01")
    topic.case("fragment: behind another header", here, behind, dropped("fragment"))
    # What the kernel gets whole it also puts together; what an extension header hides may be ours.
    for name, number in (("ICMPv6", ICMP6), ("SCTP", SCTP), ("no next header", NO_NEXT)):
        packet = at(chain([(FRAGMENT, 8)], number, b"\x80\0" + b"\0" * 30), 56, b"\x00\x01")
        topic.case(f"fragment of {name}", here, packet, to_kernel("other_protocol"))
    hidden = at(chain([(FRAGMENT, 8), (DESTINATION, 8)], UDP, udp_bytes()), 56, b"\x00\x01")
    topic.case("fragment: before another header", here, hidden, dropped("fragment"))


def make_other_protocols(topic, here):
    for name, number in (("ICMPv6", ICMP6), ("ESP", ESP), ("no next header", NO_NEXT), ("SCTP", SCTP),
                         ("protocol 255", 255)):
        packet = chain([], number, b"\x87\0" + b"\0" * 30)  # in ICMPv6 a neighbour solicitation
        topic.case(f"{name} to a VIP", here, packet, to_kernel("other_protocol"))
    packet = chain([(HOP_BY_HOP, 8)], ICMP6, b"\x80\0" + b"\0" * 30)
    topic.case("ICMPv6 behind an extension header", here, packet, to_kernel("other_protocol"))


def make_header(topic, here):
    good = frame(6, "udp", b"data")
    for first in (0x00, 0x40, 0x50, 0x70, 0xF0):
        topic.case(f"version {first >> 4}", here, at(good, 14, bytes([first])), dropped("ip_header"))
    for length in (13, 0x100, 0xFFFF):
        packet = at(good, 18, length.to_bytes(2, "big"))
        topic.case(f"payload length {length}", here, packet, dropped("ip_length"))
    for length in (0, 7):
        packet = at(good, 18, length.to_bytes(2, "big"))
        topic.case(f"payload length {length}", here, packet, dropped("l4_truncated"))
    wrong = at(good, 12, b"\x08\x00")
    topic.case("IPv6 under the EtherType of IPv4", here, wrong, to_kernel("no_service"))
    mapped = bytes(ethernet() / ip(6, dst=f"::ffff:{VIP[4]}") / udp())
    topic.case("a mapped IPv4 VIP", here, mapped, to_kernel("no_service"))
