# SPDX-License-Identifier: Apache-2.0
"""The largest packet that fits, and one byte more."""

from ..expected import MISS, dropped, forwarded
from ..expected_fragments import in_fragments
from ..icmp import too_big
from ..packets import Raw, ethernet, ip, udp
from ..worlds import BACKEND, hops, pool, services_for_all, world

IP_HEADER = {4: 20, 6: 40}
MTU = 600  # any number will do, and a small one keeps the case file small
TUNNEL = {"l2dsr": 0, "ipip": 0, "vxlan": 8 + 8 + 14, "gre": 4, "gue": 8 + 4}


def make(topic):
    for mode in TUNNEL:
        for outer in (4, 6):
            here = world(f"{mode}, outer IPv{outer}, MTU {MTU}",
                         pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")]),
                         services_for_all(), next_hops=hops(BACKEND[outer], mtu=MTU))
            overhead = TUNNEL[mode] + (0 if mode == "l2dsr" else IP_HEADER[outer])
            for inner in (4, 6):
                make_edge(topic, here, inner, MTU - overhead)


def make_edge(topic, here, inner, room):
    largest = packet_of(inner, room)
    topic.case(f"{here.name}, inner IPv{inner}: {room} bytes fit", here, largest,
               forwarded(here, largest, f"udp{inner}"))
    over = packet_of(inner, room + 1)
    # IPv4's may be fragmented: nobody is told. IPv6 guarantees 1280 bytes, which this path does not take.
    expect = dropped("mtu_exceeded", MISS)
    if inner == 4:
        expect = in_fragments(here, over, forwarded(here, over, "udp4"), room)
    topic.case(f"{here.name}, inner IPv{inner}: {room + 1} do not", here, over, expect)
    if inner == 4:
        whole = packet_of(4, room + 1, flags="DF")
        topic.case(f"{here.name}, inner IPv4: {room + 1} do not, and DF", here, whole, too_big(whole, room, MISS))
    padded = largest + b"\xee" * 4
    topic.case(f"{here.name}, inner IPv{inner}: padding does not count", here, padded,
               forwarded(here, padded, f"udp{inner}"))


def packet_of(family, length, **fields):
    """An IP packet of `length` bytes."""
    return bytes(ethernet() / ip(family, **fields) / udp() / Raw(b"m" * (length - IP_HEADER[family] - 8)))
