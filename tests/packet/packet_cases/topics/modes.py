# SPDX-License-Identifier: Apache-2.0
"""Every forwarding mode with every family outside and inside, and both protocols."""

from ..expected import HIT, forwarded
from ..files import packet_step
from ..packets import Raw, ethernet, frame, ip, l4
from ..worlds import BACKEND, pool, services_for_all, world

MODES = ("l2dsr", "ipip", "vxlan", "gre", "gue")
# DSCP EF + ECT(0); CE; all bits; a DSCP that no PHB names.
TRAFFIC_CLASSES = (0xBA, 0x03, 0xFF, 0x54)


# (mode, the pool's settings of it)
SETTINGS = (("gre", {"gre": "{ key = 0xdeadbeef }"}), ("gre", {"gre": "{ key = 0 }"}),
            ("gue", {"gue": "{ port = 6666 }"}))


def mode_world(mode, outer, name=None, **settings):
    return world(name or f"{mode}-outer{outer}",
                 pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")], **settings), services_for_all())


def make(topic):
    for mode in MODES:
        for outer in (4, 6):
            here = mode_world(mode, outer)
            for inner in (4, 6):
                for protocol in ("tcp", "udp"):
                    make_flow(topic, here, f"{mode}, outer IPv{outer}, inner IPv{inner}", inner, protocol)
                make_traffic_classes(topic, here, f"{mode}, outer IPv{outer}, inner IPv{inner}", inner)


    for mode, settings in SETTINGS:
        for outer in (4, 6):
            name = f"{mode}, {settings[mode]}, outer IPv{outer}"
            here = mode_world(mode, outer, name, **settings)
            for inner in (4, 6):
                packet = frame(inner, "udp")
                topic.case(f"{name}, inner IPv{inner}", here, packet, forwarded(here, packet, f"udp{inner}"))


def make_flow(topic, here, name, inner, protocol):
    """A flow's first packet and its second, which carries data of odd length."""
    service = f"{protocol}{inner}"
    first = frame(inner, protocol)
    topic.case(f"{name}, {protocol}: first packet", here, first, forwarded(here, first, service))
    more = {"flags": "PA", "ack": 77} if protocol == "tcp" else {}
    second = frame(inner, protocol, data=b"hello", **more)
    topic.case(f"{name}, {protocol}: second packet", here, second,
               forwarded(here, second, service, events=HIT), before=[packet_step(first)])


def make_traffic_classes(topic, here, name, inner):
    """DSCP and ECN are copied to the outer header and stay in the inner one."""
    for value in TRAFFIC_CLASSES:
        fields = {"tos": value} if inner == 4 else {"tc": value}
        packet = bytes(ethernet() / ip(inner, **fields) / l4("udp") / Raw(b"data"))
        topic.case(f"{name}: traffic class {value:#04x}", here, packet,
                   forwarded(here, packet, f"udp{inner}"))
