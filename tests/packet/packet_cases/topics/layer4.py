# SPDX-License-Identifier: Apache-2.0
"""TCP and UDP headers. RFC 9293 §3.1, RFC 768."""

from ..expected import dropped, forwarded, to_kernel
from ..packets import at, frame
from ..worlds import pool, services_for_all, world

L4 = {4: 34, 6: 54}


def make(topic):
    here = world("l2dsr", pool(), services_for_all())
    for family in (4, 6):
        make_tcp(topic, here, family)
        make_udp(topic, here, family)
        make_unknown(topic, here, family)


def make_tcp(topic, here, family):
    name = f"tcp{family}"
    for words in (0, 1, 4):
        packet = at(frame(family, "tcp", b"x" * 60), L4[family] + 12, bytes([words << 4]))
        topic.case(f"{name}: data offset {words}", here, packet, dropped("tcp_header"))
    for words, room in ((6, 0), (15, 39)):
        packet = at(frame(family, "tcp", b"x" * room), L4[family] + 12, bytes([words << 4]))
        topic.case(f"{name}: data offset {words} beyond the packet", here, packet, dropped("tcp_header"))
    for words, room in ((5, 0), (6, 4), (15, 40)):
        packet = at(frame(family, "tcp", b"\x01" * room), L4[family] + 12, bytes([words << 4]))
        topic.case(f"{name}: data offset {words}", here, packet, forwarded(here, packet, name))
    for flags in ("", "S", "A", "SA", "F", "FA", "R", "RA", "PA", "FPU", "FSRPAUEC", "SEC"):
        packet = frame(family, "tcp", flags=flags)
        topic.case(f"{name}: flags {flags or 'none'}, nobody knows the flow", here, packet,
                   forwarded(here, packet, name))


def make_udp(topic, here, family):
    name = f"udp{family}"
    good = frame(family, "udp", b"data")
    for length in (0, 1, 7, 13, 0xFFFF):
        packet = at(good, L4[family] + 4, length.to_bytes(2, "big"))
        topic.case(f"{name}: length {length}", here, packet, dropped("udp_length"))
    for length in (8, 11, 12):
        packet = at(good, L4[family] + 4, length.to_bytes(2, "big"))
        topic.case(f"{name}: length {length} of 12", here, packet, forwarded(here, packet, name))
    for port in (0, 1, 65535):
        packet = frame(family, "udp", sport=port)
        topic.case(f"{name}: source port {port}", here, packet, forwarded(here, packet, name))


def make_unknown(topic, here, family):
    """A broken L4 header for no service is the kernel's."""
    packet = at(frame(family, "udp", dport=81), L4[family] + 4, b"\0\0")
    topic.case(f"udp{family}: length 0 to a port without service", here, packet, to_kernel("no_service"))
    packet = at(frame(family, "tcp", dport=81), L4[family] + 12, b"\x40")
    topic.case(f"tcp{family}: data offset 4 to a port without service", here, packet,
               to_kernel("no_service"))
