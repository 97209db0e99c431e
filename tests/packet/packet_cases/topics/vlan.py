# SPDX-License-Identifier: Apache-2.0
"""VLAN tags: none, one or two come in; none, one or two go out, of the EtherType that the next hop's VLAN
interface writes. Three are not ours."""

from ..expected import forwarded, to_kernel
from ..packets import Dot1Q, Raw, ethernet, frame, ip, udp
from ..worlds import BACKEND, ctag, hops, pool, services_for_all, stag, world

TAGS = {
    "no tag": [],
    "8100": [ctag(100)],
    "88a8": [stag(100)],
    "88a8 8100": [stag(200), ctag(300)],
    "8100 8100": [ctag(200), ctag(300)],
}


def make(topic):
    for mode in ("l2dsr", "ipip", "vxlan", "gue"):
        for out, tags_out in TAGS.items():
            here = world(f"{mode}, {out} out", pool(forwarding=mode), services_for_all(),
                         next_hops=hops(BACKEND[4], vlans=tags_out))
            for come, tags_in in TAGS.items():
                for family in (4, 6):
                    packet = frame(family, "udp", b"data", vlans=tags_in)
                    topic.case(f"{mode}, IPv{family}: {come} in, {out} out", here, packet,
                               forwarded(here, packet, f"udp{family}"))
    make_edges(topic)


def make_edges(topic):
    here = world("plain", pool(), services_for_all())
    three = bytes(ethernet([ctag(5)]) / Dot1Q(vlan=6) / Dot1Q(vlan=7) / ip(4) / udp())
    topic.case("three tags", here, three, to_kernel("not_ip"))
    tagged = frame(4, "udp", vlans=[ctag(100)])
    for length in (15, 16, 17):
        topic.case(f"one tag, cut to {length} bytes", here, tagged[:length], to_kernel("too_short"))
    twice = frame(4, "udp", vlans=[stag(200), ctag(300)])
    for length in (18, 21):
        topic.case(f"two tags, cut to {length} bytes", here, twice[:length], to_kernel("too_short"))
    other = bytes(ethernet([ctag(100)], type=0x8100) / Raw(b"\0" * 40))
    topic.case("one tag, then a length", here, other, to_kernel("not_ip"))
    priority = bytes(ethernet() / Dot1Q(vlan=0, prio=5) / ip(4) / udp())
    topic.case("priority tag", here, priority, forwarded(here, priority, "udp4"))
