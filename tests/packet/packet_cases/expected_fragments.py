# SPDX-License-Identifier: Apache-2.0
"""What workers send in place of an IPv4 packet that does not fit and may be fragmented; the XDP program drops it.
The fragments are scapy's. Source: RFC 791 §3.1 (which options later fragments have) and §3.2 (fragmentation)."""

from scapy.all import IP, Raw

from .expected import Parsed, dropped, forwarded_bytes


def fragments_of(frame, room):
    """Frames with an IP packet of at most `room` bytes each."""
    parsed = Parsed(frame)
    header = parsed.layer.ihl * 4
    whole = IP(parsed.ip_bytes[:header]) / Raw(parsed.ip_bytes[header:])
    pieces = whole.fragment((room - header) // 8 * 8)
    for later in pieces[1:]:
        later.options = [option for option in later.options if option.copy_flag]
        del later.ihl, later.len, later.chksum
    return [frame[:parsed.l3_offset] + bytes(piece) for piece in pieces]


def by_workers(whole, fragments, others=None):
    """`fragments` take the way of `whole`, which does not fit. `others`: of a datapath that cannot fragment."""
    events = {**whole["events"], "packets_fragmented": 1, "fragments_sent": len(fragments)}
    sent = {key: value for key, value in whole.items() if key not in ("bytes", "events")}
    sent |= {"events": events, "fragments": [fragment.hex() for fragment in fragments]}
    return {**(others or dropped("mtu_exceeded", whole["events"])), "workers": sent}


def in_fragments(world, frame, whole, room):
    """A packet that `whole` would be expected of if it fitted. Each inner packet takes up to `room` bytes."""
    service, backend = whole["service"].partition("/")[0], whole["backend"]
    return by_workers(whole, [forwarded_bytes(world, piece, service, backend, flow=Parsed(frame))
                              for piece in fragments_of(frame, room)])


def translated_in_fragments(whole, room, others=None, source_stays=False):
    """The same through NAT: what leaves is fragmented, with an identification of the worker's own if the source is
    another one (RFC 6864 §5.3)."""
    expect = by_workers(whole, fragments_of(bytes.fromhex(whole["bytes"]), room), others)
    if not source_stays:
        expect["workers"]["identification"] = "own"
    return expect
