# SPDX-License-Identifier: Apache-2.0
"""The IPv4 header: options, lengths, fragments, TTL, padding. RFC 791 §3.1."""

from scapy.all import ICMP

from ..expected import dropped, forwarded, to_kernel
from ..icmp import time_exceeded
from ..packets import Raw, at, ethernet, frame, ip, tcp, udp, with_ipv4_checksum
from ..worlds import OTHER, pool, services_for_all, world

NOP = b"\x01"


def make(topic):
    plain = world("l2dsr", pool(), services_for_all())
    tunnel = world("vxlan", pool(forwarding="vxlan"), services_for_all())
    for here in (plain, tunnel):
        make_options(topic, here)
        make_ttl(topic, here)
        make_padding(topic, here)
        make_checksums(topic, here)
    make_header(topic, plain)
    make_lengths(topic, plain)
    make_fragments(topic, plain)


def make_options(topic, here):
    for words in (1, 2, 5, 10):
        for layer, service in ((tcp(), "tcp4"), (udp(), "udp4")):
            packet = bytes(ethernet() / ip(4, options=[(NOP * 4 * words)]) / layer / Raw(b"data"))
            topic.case(f"{here.name}, {service}: {4 * words} bytes of options", here, packet,
                       forwarded(here, packet, service))


def make_ttl(topic, here):
    for ttl in (0, 1):
        packet = bytes(ethernet() / ip(4, ttl=ttl) / udp())
        topic.case(f"{here.name}: TTL {ttl}", here, packet, time_exceeded(packet))
    for ttl in (2, 128, 255):
        packet = bytes(ethernet() / ip(4, ttl=ttl) / udp())
        topic.case(f"{here.name}: TTL {ttl}", here, packet, forwarded(here, packet, "udp4"))


def make_padding(topic, here):
    """Ethernet pads to 60 bytes; what stands behind the IP packet is not its own."""
    for padding in (1, 6, 18, 40):
        packet = frame(4, "udp") + b"\xee" * padding
        topic.case(f"{here.name}: {padding} bytes behind the packet", here, packet,
                   forwarded(here, packet, "udp4"))


def make_checksums(topic, here):
    """TTL decrement at the edges of the one's complement sum: ids chosen for the checksum to carry."""
    base = frame(4, "udp")
    for wanted in (0x0000, 0x00FE, 0xFDFF, 0xFEFF, 0xFEFE, 0xFF00):
        checksum = int.from_bytes(base[24:26], "big")
        number = int.from_bytes(base[18:20], "big") + checksum - wanted
        number = (number & 0xFFFF) + (number >> 16) if number >= 0 else number + 0xFFFF
        packet = with_ipv4_checksum(at(base, 18, number.to_bytes(2, "big")))
        topic.case(f"{here.name}: checksum {int.from_bytes(packet[24:26], 'big'):#06x}", here, packet,
                   forwarded(here, packet, "udp4"))


def make_header(topic, here):
    for malformed, name in ((at(frame(4), 14, bytes([first])), f"first byte {first:#04x}")
                            for first in (0x05, 0x40, 0x41, 0x44, 0x55, 0x65, 0xF5)):
        topic.case(f"{name}: to a VIP", here, malformed, dropped("ip_header"))
    other = at(bytes(ethernet() / ip(4, dst=OTHER[4]) / tcp()), 14, b"\x44")
    topic.case("header length 16: to somebody else", here, other, to_kernel("no_service"))


def with_length(packet, length):
    return with_ipv4_checksum(at(packet, 16, length.to_bytes(2, "big")))


def make_lengths(topic, here):
    packet = frame(4, "tcp", b"data")
    for length in (0, 19, len(packet) - 13, 0xFFFF):
        topic.case(f"total length {length}", here, with_length(packet, length), dropped("ip_length"))
    for length in (20, 39):
        topic.case(f"total length {length}", here, with_length(packet, length), dropped("l4_truncated"))
    options = bytes(ethernet() / ip(4, options=[NOP * 8]) / tcp())
    topic.case("total length inside the options", here, with_length(options, 24), dropped("ip_length"))
    beyond = with_ipv4_checksum(at(packet, 14, b"\x4f"))
    topic.case("header length beyond the packet", here, beyond, dropped("ip_length"))
    other = bytes(ethernet() / ip(4, dst=OTHER[4]) / tcp())
    topic.case("total length 0: to somebody else", here, with_length(other, 0), to_kernel("no_service"))


def make_fragments(topic, here):
    for name, fields in (("first", {"flags": "MF"}), ("middle", {"flags": "MF", "frag": 185}),
                         ("last", {"frag": 370}), ("with DF set", {"flags": "MF+DF"})):
        packet = bytes(ethernet() / ip(4, **fields) / udp() / Raw(b"x" * 64))
        topic.case(f"fragment: {name}", here, packet, dropped("fragment"))
    for name, fields in (("don't fragment", {"flags": "DF"}), ("reserved bit", {"flags": "evil"})):
        packet = bytes(ethernet() / ip(4, **fields) / udp())
        topic.case(f"no fragment: {name}", here, packet, forwarded(here, packet, "udp4"))
    other = bytes(ethernet() / ip(4, dst=OTHER[4], flags="MF") / udp())
    topic.case("fragment: to somebody else", here, other, to_kernel("no_service"))
    # What the kernel gets whole it also puts together.
    for name, fields in (("first", {"flags": "MF"}), ("last", {"frag": 370})):
        ping = bytes(ethernet() / ip(4, **fields) / ICMP() / Raw(b"x" * 64))
        topic.case(f"fragment of a ping: {name}", here, ping, to_kernel("other_protocol"))
        sctp = bytes(ethernet() / ip(4, proto=132, **fields) / Raw(b"x" * 64))
        topic.case(f"fragment of SCTP: {name}", here, sctp, to_kernel("other_protocol"))
    packet = bytes(ethernet() / ip(4, frag=370) / tcp() / Raw(b"x" * 64))
    topic.case("fragment of TCP: last", here, packet, dropped("fragment"))
