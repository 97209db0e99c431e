# SPDX-License-Identifier: Apache-2.0
"""Flows marked for a reset: the client's next packet is answered by a RST. RFC 9293 §3.10.7.1."""

from ..expected import HIT, MISS, answered_by_reset, forwarded
from ..files import mark_step, packet_step
from ..packets import Dot1Q, Raw, at, ethernet, frame, ip, tcp
from ..worlds import ctag, pool, services_for_all, stag, world

# Name → flags and numbers of the segment, and its data.
SEGMENTS = {
    "ACK": ({"flags": "A", "ack": 0x55667788}, b""),
    "ACK with data": ({"flags": "PA", "ack": 0xFFFFFFFF}, b"GET / HTTP/1.1"),
    "ACK of 0": ({"flags": "A", "ack": 0}, b""),
    "FIN ACK": ({"flags": "FA", "ack": 1}, b""),
    "SYN ACK": ({"flags": "SA", "ack": 99}, b""),
    "no flags": ({"flags": ""}, b""),
    "no flags, with data": ({"flags": ""}, b"xyz"),
    "PSH with data": ({"flags": "P", "seq": 0xFFFFFFF0}, b"x" * 32),
    "FIN without ACK": ({"flags": "F"}, b""),
    "FIN without ACK, with data": ({"flags": "F"}, b"bye"),
}
OPTIONS = [("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]


def make(topic):
    for mode in ("l2dsr", "vxlan"):
        here = world(mode, pool(forwarding=mode), services_for_all())
        for family in (4, 6):
            for name, (fields, data) in SEGMENTS.items():
                packet = frame(family, data=data, **fields)
                topic.case(f"{mode}, IPv{family}: {name}", here, packet, answered_by_reset(packet),
                           before=marked(family))
            make_exceptions(topic, here, family)
    here = topic.worlds["l2dsr"]
    make_shapes(topic, here)
    make_udp(topic, here)


def marked(family=4, protocol="tcp"):
    return [packet_step(frame(family, protocol)), mark_step("b1")]


def make_exceptions(topic, here, family):
    service = f"tcp{family}"
    for flags in ("R", "RA"):
        packet = frame(family, flags=flags, ack=5)
        topic.case(f"{here.name}, IPv{family}: {flags} is never answered", here, packet,
                   forwarded(here, packet, service, events=HIT), before=marked(family))
    packet = frame(family, flags="S")
    topic.case(f"{here.name}, IPv{family}: SYN is a new connection", here, packet,
               forwarded(here, packet, service, events=MISS), before=marked(family))
    packet = frame(family, flags="A")
    topic.case(f"{here.name}, IPv{family}: every packet is answered", here, packet,
               answered_by_reset(packet), before=[*marked(family), packet_step(packet)])
    topic.case(f"{here.name}, IPv{family}: not after a new SYN", here, packet,
               forwarded(here, packet, service, events=HIT),
               before=[*marked(family), packet_step(frame(family, flags="S"))])


def make_shapes(topic, here):
    """What the packet carried around the segment."""
    for name, packet in (
            ("one tag", frame(flags="A", ack=7, vlans=[ctag(100)])),
            ("two tags", frame(flags="A", ack=7, vlans=[stag(200), ctag(300)])),
            ("priority", bytes(ethernet() / Dot1Q(vlan=9, prio=6) / ip(4) / tcp("A", ack=7))),
            ("TCP options", bytes(ethernet() / ip(4) / tcp("P", options=OPTIONS) / Raw(b"data"))),
            ("IPv4 options", bytes(ethernet() / ip(4, options=[b"\x01" * 8]) / tcp("P") / Raw(b"data"))),
            ("Ethernet padding", frame(flags="", data=b"ab") + b"\xee" * 4),
            ("TOS and id", bytes(ethernet() / ip(4, tos=0xBB, id=7, flags="DF") / tcp("A", ack=7)))):
        topic.case(f"shape: {name}", here, packet, answered_by_reset(packet), before=marked())
    inner = bytes(ip(6) / tcp("F") / Raw(b"data"))[40:]
    chain = bytes(ethernet() / ip(6, nh=60) / Raw(bytes([6, 0, 1, 4, 0, 0, 0, 0]) + inner))
    topic.case("shape: IPv6 extension header", here, chain, answered_by_reset(chain), before=marked(6))
    urgent = at(frame(flags="A", ack=7), 52, b"\xff\xff")
    topic.case("shape: urgent pointer", here, urgent, answered_by_reset(urgent), before=marked())


def make_udp(topic, here):
    for family in (4, 6):
        packet = frame(family, "udp", b"data")
        topic.case(f"IPv{family}: a marked UDP flow is chosen anew", here, packet,
                   forwarded(here, packet, f"udp{family}", events=MISS), before=marked(family, "udp"))
