# SPDX-License-Identifier: Apache-2.0
"""A packet that ends at every possible byte: cut on the way (the IP header promises more), and sent that
short (the IP header says so)."""

from ..expected import dropped, forwarded, to_kernel
from ..packets import at, frame, with_ipv4_checksum
from ..worlds import pool, services_for_all, world

IP_HEADER = {4: 20, 6: 40}
L4_HEADER = {"tcp": 20, "udp": 8}


def make(topic):
    here = world("vxlan", pool(forwarding="vxlan"), services_for_all())
    for family in (4, 6):
        for protocol in ("tcp", "udp"):
            whole = frame(family, protocol, b"data")
            for length in range(1, len(whole)):
                make_cut(topic, here, family, protocol, whole, length)
            for length in range(14 + IP_HEADER[family], len(whole)):
                make_short(topic, here, family, protocol, whole, length)


def make_cut(topic, here, family, protocol, whole, length):
    seen = length >= 14 + IP_HEADER[family]
    topic.case(f"{protocol}{family} of {len(whole)} bytes, cut to {length}", here, whole[:length],
               dropped("ip_length") if seen else to_kernel("too_short"))


def make_short(topic, here, family, protocol, whole, length):
    if family == 4:
        packet = with_ipv4_checksum(at(whole, 16, (length - 14).to_bytes(2, "big")))[:length]
    else:
        packet = at(whole, 18, (length - 54).to_bytes(2, "big"))[:length]
    if length < 14 + IP_HEADER[family] + L4_HEADER[protocol]:
        expect = dropped("l4_truncated")
    elif protocol == "udp":  # whose own length still promises the data
        expect = dropped("udp_length")
    else:
        expect = forwarded(here, packet, f"tcp{family}")
    topic.case(f"{protocol}{family} of {length} bytes", here, packet, expect)
