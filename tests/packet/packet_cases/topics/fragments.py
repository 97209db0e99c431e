# SPDX-License-Identifier: Apache-2.0
"""IPv4 packets that do not fit and may be fragmented: by workers they are, the XDP program drops them. RFC 791."""

from scapy.all import IP, Ether

from ..expected import HIT, MISS, dropped, forwarded
from ..expected_fragments import in_fragments, translated_in_fragments
from ..expected_nat import answer, to_backend, to_client
from ..files import packet_step
from ..packets import Raw, at, ethernet, ip, tcp, udp
from ..worlds import BACKEND, ctag, hops, pool, service, services_for_all, stag, world
from .mtu import IP_HEADER, TUNNEL
from .nat import nat_world
from .nat_kept import kept_world
from .toa import NOP, toa_world

MTU = 300  # so that a few hundred bytes are several fragments
COPIED = b"\x88\x04\x12\x34"              # stream id
NOT_COPIED = b"\x07\x07\x04\0\0\0\0\x01"  # record route, and NOP
LONG_COPIED = b"\x83\x0b\x04" + b"\xc0\0\x02\x01" * 2 + b"\x01"  # a loose source route, and NOP


def make(topic):
    for mode in TUNNEL:
        for outer in (4, 6):
            make_sizes(topic, mode, outer)
    here = narrow("ipip", name="ipip")
    make_options(topic, here)
    make_shapes(topic, here)
    make_tags(topic)
    make_nat(topic)


def narrow(mode, outer=4, mtu=MTU, name=None, director="", **more):
    return world(name or f"{mode}, outer IPv{outer}, MTU {mtu}",
                 pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")]), services_for_all(),
                 next_hops=hops(BACKEND[outer], mtu=mtu, **more), director=director)


def packet_of(length, layer=None, before=None, **fields):
    """An IPv4 packet of `length` bytes."""
    front = (before or ethernet()) / ip(4, **{"id": 0x1234, **fields}) / (layer or udp())
    data = bytes(index * 7 % 251 for index in range(length))
    return bytes(front / Raw(data[:length - len(bytes(front)) + len(before or ethernet())]))


def sent(topic, name, here, packet, room, serv="udp4", before=(), events=None):
    whole = forwarded(here, packet, serv, events=events)
    topic.case(name, here, packet, in_fragments(here, packet, whole, room), before=before)


def make_sizes(topic, mode, outer):
    here = narrow(mode, outer)
    room = MTU - TUNNEL[mode] - (0 if mode == "l2dsr" else IP_HEADER[outer])
    for length in (room + 1, 2 * room, 900):
        sent(topic, f"{here.name}: {length} bytes", here, packet_of(length), room)


def make_options(topic, here):
    for name, options in (("copied", COPIED), ("not copied", NOT_COPIED), ("both", NOT_COPIED + COPIED),
                          ("as many as fit", NOT_COPIED + COPIED + LONG_COPIED * 2 + COPIED)):
        sent(topic, f"options: {name}", here, packet_of(800, options=[options]), MTU - 20)


def make_shapes(topic, here):
    first, room = packet_of(700), MTU - 20
    sent(topic, "the flow's second packet", here, first, room, before=[packet_step(packet_of(100))], events=HIT)
    sent(topic, "DSCP and ECN", here, packet_of(700, tos=0xB9), room)
    sent(topic, "TTL 2", here, packet_of(700, ttl=2), room)
    sent(topic, "identification 0", here, packet_of(700, id=0), room)
    sent(topic, "padding does not count", here, first + b"\xee" * 9, room)
    stranger = packet_of(700, tcp(flags="A", ack=10))
    sent(topic, "TCP", here, stranger, room, "tcp4")
    topic.case("a wrong header checksum stays wrong", here, at(first, 24, b"\0\0"), dropped("mtu_exceeded", MISS))
    topic.case("a fragment itself", here, packet_of(700, flags="MF"), dropped("fragment"))
    smallest = narrow("ipip", mtu=88)
    sent(topic, "16 fragments", smallest, packet_of(20 + 48 * 16), 68)
    topic.case("17 would be too many", smallest, packet_of(21 + 48 * 16), dropped("mtu_exceeded", MISS))
    smaller = narrow("ipip", mtu=87)
    topic.case("a path of less than 68 bytes", smaller, packet_of(100), dropped("mtu_exceeded", MISS))
    never = narrow("ipip", name="drop", director='on_too_big = "drop"')
    topic.case('on_too_big = "drop"', never, first, dropped("mtu_exceeded", MISS))


def make_tags(topic):
    for tags in ([ctag(7)], [stag(7), ctag(8)]):
        for mode in ("ipip", "l2dsr"):
            here = narrow(mode, name=f"{mode}, {len(tags)} tags", vlans=tags)
            sent(topic, f"{here.name} out", here, packet_of(700), MTU - (20 if mode == "ipip" else 0))
            tagged = packet_of(700, before=ethernet(tags))
            sent(topic, f"{here.name} in and out", here, tagged, MTU - (20 if mode == "ipip" else 0))


def make_nat(topic):
    for port in (6400, None):
        here = nat_world(f"nat, to port {port}", {**hops(), **hops(BACKEND[4], mtu=MTU)}, port=port)
        for name, layer in (("tcp4", tcp(flags="S")), ("udp4", udp())):
            packet = packet_of(700, layer)
            topic.case(f"{here.name}: {name}", here, packet,
                       translated_in_fragments(to_backend(here, packet, name), MTU))
    first, options = packet_of(100), packet_of(700, options=[NOT_COPIED + COPIED])
    topic.case("nat: options, and a flow that is there", here, options,
               translated_in_fragments(to_backend(here, options, "udp4", events=HIT), MTU), before=[packet_step(first)])
    narrow_hops = {**hops(), **hops(BACKEND[4], mtu=MTU)}
    kept = kept_world("nat, snat = false", narrow_hops)
    for name, layer in (("tcp4", tcp(flags="S")), ("udp4", udp())):
        packet = packet_of(700, layer)
        topic.case(f"{kept.name}: {name}", kept, packet,
                   translated_in_fragments(to_backend(kept, packet, name), MTU, source_stays=True))
    told = toa_world("nat, toa", narrow_hops)
    no_room = {"toa_no_room": 1}
    for name, sent, meant, events in (
            ("without room for it", [], [], MISS),
            ("a client's own", [(254, b"\x1f\x90\x01\x02\x03\x04")], [NOP] * 8, {**MISS, "toa_erased": 1})):
        packet, clean = (packet_of(700, tcp(flags="S", options=options)) for options in (sent, meant))
        expect = to_backend(told, clean, "tcp4", events={**events, **no_room})
        topic.case(f"{told.name}: {name}", told, packet,
                   translated_in_fragments(expect, MTU, others=dropped("mtu_exceeded", events)))
    here = nat_world()
    reply = answer(here, first, "udp4", data=bytes(1600))
    back = to_client(first, reply)  # its length is the device's affair
    topic.case("nat: a backend's packet, longer than the device takes", here, reply,
               translated_in_fragments(back, 1500, others=back), before=[packet_step(first)])
    make_nat_answers(topic, here)


def unfragmentable(data):
    packet = Ether(data)
    packet[IP].flags = "DF"
    del packet[IP].chksum
    return bytes(packet)


def make_nat_answers(topic, here):
    """To a client they have the MTU of its interface, whatever else is in the frame."""
    for tags in ([], [ctag(7)], [stag(7), ctag(8)]):
        first = packet_of(100, before=ethernet(tags))
        before = [packet_step(first)]
        for size in (1500, 1501, 1508):
            name = f"nat: a backend's {size} bytes to a client behind {len(tags)} tags"
            reply = answer(here, first, "udp4", data=bytes(size - 28))
            whole = to_client(first, reply, tags)
            expect = whole if size == 1500 else translated_in_fragments(whole, 1500, others=whole)
            topic.case(name, here, reply, expect, before=before)
            kept = unfragmentable(reply)
            whole = to_client(first, kept, tags)
            expect = whole if size == 1500 else {**whole, "workers": dropped("mtu_exceeded", {})}
            topic.case(f"{name}, and DF", here, kept, expect, before=before)
        if len(tags) < 2:  # what is left of the 22 bytes that devices take beside the MTU
            padded = answer(here, first, "udp4", data=bytes(1500 - 28)) + b"\xee" * 3
            topic.case(f"nat: a backend's 1500 bytes and padding to a client behind {len(tags)} tags", here, padded,
                       to_client(first, padded, tags), before=before)
