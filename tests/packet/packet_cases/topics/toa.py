# SPDX-License-Identifier: Apache-2.0
"""toa: a TCP option tells backends the client's address and port; a client's own is erased. RFC 9293 §3.1."""

import ipaddress
import struct

from scapy.all import IP, TCP, Ether, IPv6, IPv6ExtHdrDestOpt, PadN, Raw
from scapy.layers.inet import in4_chksum
from scapy.layers.inet6 import in6_chksum

from ..expected import HIT, MISS, Parsed
from ..expected_nat import Sides, answer, to_backend, to_client
from ..files import packet_step
from ..packets import at, ethernet, frame, ip, tcp
from ..worlds import CLIENT, ctag, hops, service, stag, world
from .icmp_nat import INNER_HOP, TTL, message, to_nat, unreachable
from .mss import clamped, rightly_summed
from .nat import nat_pool, nat_world

KIND = {4: 254, 6: 253}
LENGTH = {4: 8, 6: 20}
HEADERS = {4: 40, 6: 60}
NOP = ("NOP", None)
# What Linux puts into a SYN: with IPv6's option there is no byte left.
USUAL = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 0)), NOP, ("WScale", 7)]
LATER = [NOP, NOP, ("Timestamp", (8, 9))]


def option(family, address=None, port=40000):
    packed = ipaddress.ip_address(address or CLIENT[family]).packed
    return struct.pack("!BBH", KIND[family], LENGTH[family], port) + packed


def with_option(data, family, port=40000):
    """The translated frame with the option in front of its others; every length and checksum is made anew."""
    packet = Ether(data)
    layer = packet[IP] if family == 4 else packet[IPv6]
    segment = bytearray(packet[TCP].original)
    segment[20:20] = option(family, port=port)
    segment[12] += LENGTH[family] // 4 << 4
    segment[16:18] = b"\0\0"
    packet[TCP].underlayer.remove_payload()
    if family == 4:
        del layer.len, layer.chksum
    else:
        del layer.plen
    sum_of = in4_chksum if family == 4 else in6_chksum
    segment[16:18] = sum_of(6, layer, bytes(segment)).to_bytes(2, "big")
    return bytes(packet / Raw(bytes(segment))) + Parsed(data).padding


def told(here, packet, serv, events=MISS, port=40000):
    """On its way to the backend, with the option."""
    expect = to_backend(here, packet, serv, events={**events, "toa_added": 1})
    family = 6 if serv.endswith("6") else 4
    return {**expect, "bytes": with_option(bytes.fromhex(expect["bytes"]), family, port).hex()}


def untold(here, packet, serv, events=HIT, **more):
    return to_backend(here, packet, serv, events={**events, **more})


def toa_world(name="toa", next_hops=None, **more):
    services = "".join(service(f"tcp{family}", family, "tcp", to=to) for family, to in ((4, "web"), (6, "web6")))
    return world(name, nat_pool(toa="true", **more), nat_pool("web6", 6, toa="true", **more), services,
                 service("udp4", 4, "udp", to="web"), next_hops=next_hops)


def make(topic):
    here = toa_world()
    for family in (4, 6):
        make_handshake(topic, here, family)
        make_forged(topic, here, family)
        make_room(topic, here, family)
        make_shapes(topic, here, family)
        make_errors(topic, here, family)
        make_clamped(topic, family)
    make_odd_options(topic, here)
    make_others(topic, here)


def begun(here, family, serv):
    """A connection up to the SYN-ACK, and a packet of the backend that is none."""
    syn = frame(family)
    return [packet_step(syn), packet_step(answer(here, syn, serv))], packet_step(answer(here, syn, serv, flags="A", ack=1))


def make_handshake(topic, here, family):
    name, serv = f"IPv{family}", f"tcp{family}"
    syn, ack = frame(family), frame(family, flags="A", ack=10)
    usual = frame(family, options=USUAL)
    before, says_more = begun(here, family, serv)
    topic.case(f"{name}: SYN", here, syn, told(here, syn, serv))
    topic.case(f"{name}: SYN with options", here, usual, told(here, usual, serv))
    other = frame(family, sport=41234)
    topic.case(f"{name}: SYN of another port", here, other, told(here, other, serv, port=41234))
    topic.case(f"{name}: SYN, again", here, syn, told(here, syn, serv, HIT), before=before)
    topic.case(f"{name}: the handshake's last packet", here, ack, told(here, ack, serv, HIT), before=before)
    for size in (1, 2, 333):
        data = frame(family, flags="PA", ack=10, data=b"\xfe" * size, options=LATER)
        topic.case(f"{name}: {size} bytes of data before the backend said anything", here, data, told(here, data, serv, HIT),
                   before=[*before, packet_step(ack)])
        topic.case(f"{name}: {size} bytes of data, then", here, data, untold(here, data, serv), before=[*before, packet_step(ack), says_more])
    reset = frame(family, flags="R")
    topic.case(f"{name}: RST before the backend said anything", here, reset, told(here, reset, serv, HIT), before=before)
    opened = [*before, packet_step(ack), says_more]
    topic.case(f"{name}: SYN of a new connection on the old one's ports", here, syn, told(here, syn, serv, HIT), before=opened)
    topic.case(f"{name}: the end of its handshake", here, ack, told(here, ack, serv, HIT), before=[*opened, *before])
    reply = answer(here, syn, serv, flags="PA", data=b"hello", options=LATER)
    topic.case(f"{name}: data back", here, reply, to_client(syn, reply), before=[*before, packet_step(ack)])


def make_forged(topic, here, family):
    """Options that the client sent: kinds of both families, of any length and anywhere."""
    name, serv = f"IPv{family}", f"tcp{family}"
    before, says_more = begun(here, family, serv)
    lie = b"\x1f\x90\x01\x02\x03\x04"
    erased = {"toa_erased": 1}
    for kind in (253, 254):
        for what, options, clean in (("alone", [(kind, lie)], [NOP] * 8),
                                     ("behind a NOP", [NOP, (kind, lie)], [NOP] * 9),
                                     ("behind a time stamp", [*LATER, (kind, lie)], [*LATER, *[NOP] * 8]),
                                     ("before one", [(kind, lie), *LATER], [*[NOP] * 8, *LATER]),
                                     ("of 2 bytes", [(kind, b"")], [NOP] * 2),
                                     ("of 9 bytes, behind a NOP", [NOP, (kind, lie + b"x")], [NOP] * 10),
                                     ("of 20 bytes", [(kind, lie * 3)], [NOP] * 20),
                                     ("twice", [(kind, lie), NOP, (kind, lie)], [NOP] * 17)):
            for flags, events, steps in (("S", MISS, []), ("A", HIT, before)):
                sent, meant = (frame(family, flags=flags, ack=10, options=each) for each in (options, clean))
                if len(meant) + LENGTH[family] - 54 - (family == 6) * 20 > 40:
                    continue
                topic.case(f"{name}: {flags}, a client's own kind {kind} {what}", here, sent,
                           told(here, meant, serv, {**events, **erased}), before=steps)
            sent, meant = (frame(family, flags="PA", ack=10, options=each, data=b"x") for each in (options, clean))
            topic.case(f"{name}: later, a client's own kind {kind} {what}", here, sent, untold(here, meant, serv, **erased),
                       before=[*before, says_more])
    full, nops = (frame(family, options=each) for each in ([(KIND[family], b"\x01" * 38)], [NOP] * 40))
    topic.case(f"{name}: a client's own fills the header", here, full, untold(here, nops, serv, MISS, **erased, toa_no_room=1))
    late, nops = (frame(family, options=each) for each in ([*[NOP] * 32, (KIND[family], lie)], [NOP] * 40))
    topic.case(f"{name}: a client's own is at the end", here, late, untold(here, nops, serv, MISS, **erased, toa_no_room=1))


def make_odd_options(topic, here):
    """What is not well-formed stays: behind it nobody looks for more. Ours stands before it."""
    raw = frame(options=[NOP] * 12)
    for name, bytes_ in (("behind the end of options", b"\0\xfe\x08"), ("behind length 0", b"\x05\0\xfe\x08"),
                         ("behind length 1", b"\x05\x01\xfe\x08"), ("behind one that is too long", b"\x05\xff\xfe\x08"),
                         ("that is too long", b"\xfe\x0d"), ("of length 1", b"\xfe\x01"), ("of length 0", b"\xfd\0")):
        expect = told(here, raw, "tcp4")
        shown = bytearray(at(bytes.fromhex(expect["bytes"]), 54 + LENGTH[4], bytes_))
        expect["bytes"] = rightly_summed(bytes(shown)).hex()
        topic.case(f"a client's own {name}: stays", here, rightly_summed(at(raw, 54, bytes_)), expect)
    last = at(raw, 65, b"\xfe")
    expect = told(here, raw, "tcp4")
    expect["bytes"] = rightly_summed(at(bytes.fromhex(expect["bytes"]), 65 + LENGTH[4], b"\xfe")).hex()
    topic.case("a client's own, of which only the kind is there: stays", here, rightly_summed(last), expect)


def make_room(topic, here, family):
    name, serv, least = f"IPv{family}", f"tcp{family}", LENGTH[family]
    for size in (40 - least, 44 - least, 40):
        syn = frame(family, options=[NOP] * size)
        expect = told(here, syn, serv) if size + least <= 40 else untold(here, syn, serv, MISS, toa_no_room=1)
        topic.case(f"{name}: beside {size} bytes of options", here, syn, expect)
    narrow = toa_world(f"path of 1280, {family}", hops(mtu=1280))
    before, _ = begun(narrow, family, serv)
    for more in (-1, 0, 1, least):
        data = frame(family, flags="A", ack=10, data=b"d" * (1280 - HEADERS[family] - least + more))
        expect = told(narrow, data, serv, HIT) if more <= 0 else untold(narrow, data, serv, toa_no_room=1)
        topic.case(f"{name}: {1280 - least + more} bytes on a path of 1280", narrow, data, expect, before=before)
    # What clients are never told to go below: with the option a router might refuse it for ever.
    floor = 576 if family == 4 else 1280
    before, _ = begun(here, family, serv)
    for size, fits in ((floor - least, True), (floor - least + 1, False), (floor, False), (floor + 1, True)):
        data = frame(family, flags="A", ack=10, data=b"d" * (size - HEADERS[family]))
        expect = told(here, data, serv, HIT) if fits else untold(here, data, serv, toa_no_room=1)
        topic.case(f"{name}: {size} bytes where {floor} always fit", here, data, expect, before=before)


def make_shapes(topic, here, family):
    name, serv = f"IPv{family}", f"tcp{family}"
    tagged = toa_world(f"backends behind two tags, {family}", hops(vlans=[stag(8), ctag(9)]))
    syn = frame(family)
    topic.case(f"{name}: the backend's side has two tags", tagged, syn, told(tagged, syn, serv))
    for what, vlans in (("one tag", [ctag(7)]), ("two tags", [stag(8), ctag(9)])):
        request = frame(family, vlans=vlans)
        topic.case(f"{name}: the client's side has {what}", here, request, told(here, request, serv))
    both = frame(family, vlans=[ctag(5)])
    topic.case(f"{name}: both sides have tags", tagged, both, told(tagged, both, serv))
    if family == 4:
        padded = syn + b"\xee" * 6
        topic.case(f"{name}: Ethernet padding stays", here, padded, told(here, padded, serv))
        full = bytes(ethernet() / ip(4, options=[b"\x01" * 40]) / tcp(options=USUAL) / Raw(b"data"))
        topic.case(f"{name}: IPv4 options", here, full, told(here, full, serv))
        fields = bytes(ethernet() / ip(4, tos=0xBB, id=7, flags="DF") / tcp(urgptr=5, window=77, reserved=5))
        topic.case(f"{name}: TOS, id, DF, window and urgent pointer stay", here, fields, told(here, fields, serv))
        return
    for size, fits in ((8, True), (16, True), (24, False)):
        extended = bytes(ethernet() / ip(6) / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"\0" * (size - 4))]) / tcp())
        topic.case(f"{name}: {size} bytes of extension headers", here, extended,
                   told(here, extended, serv) if fits else untold(here, extended, serv, MISS, toa_no_room=1))


def make_errors(topic, here, family):
    """ICMP errors about packets that had the option: the client's own may be as much shorter."""
    serv, length = f"tcp{family}", LENGTH[family]
    first = frame(family)
    sides, before = Sides(here, first, serv), [packet_step(first)]

    def segment(options):
        return lambda sport, dport: TCP(sport=sport, dport=dport, flags="A", seq=7, ack=9, options=options)

    ours = (KIND[family], option(family)[2:])
    there, shown = sides.quotes(build=segment([ours]))
    kind = (3, 4) if family == 4 else (2, 0)
    least = {4: 576, 6: 1280}[family]
    passed = {"icmp_errors_passed": 1}
    for mtu, says, raised in ((1400, 1400 - length, 0), (least + length, least, 0), (least + 1, least, 1), (length - 1, least, 1), (0, least, 1)):
        expect = sides.error_to_client(message(family, *kind, says), shown, INNER_HOP[family], TTL)
        events = {**passed, **({"icmp_mtu_raised": 1} if raised else {})}
        topic.case(f"IPv{family}: a router's MTU {mtu}", here, to_nat(family, there, message(family, *kind, mtu)),
                   {**expect, "events": events}, before=before)
    for name, options in (("without it", []), ("with it behind another", [NOP, ours]),
                          ("with the other family's", [(KIND[10 - family], option(10 - family)[2:])])):
        quoted, known = sides.quotes(build=segment(options))
        topic.case(f"IPv{family}: an MTU for a packet {name}", here, to_nat(family, quoted, message(family, *kind, 1400)),
                   sides.error_to_client(message(family, *kind, 1400), known, INNER_HOP[family], TTL), before=before)
    header = {4: 20, 6: 40}[family]
    handshake, word = begun(here, family, serv)
    for size in (4, 8, 20, 21, 22):
        error = to_nat(family, there[:header + size], message(family, *kind, 1400))
        for when, steps, says in (("first", before, 1400 - length), ("answered", handshake, 1400 - length),
                                  ("later", [*handshake, word], 1400 - length if size == 22 else 1400)):
            topic.case(f"IPv{family}: {when}, an MTU for a packet of which {size} bytes of TCP are quoted", here, error,
                       sides.error_to_client(message(family, *kind, says), shown[:header + size], INNER_HOP[family], TTL),
                       before=steps)
    without = nat_world(f"without, {family}")
    plain = Sides(without, first, serv)
    quoted, known = plain.quotes(most=header + 8)
    topic.case(f"IPv{family}: without toa, an MTU for a packet of which 8 bytes of TCP are quoted", without,
               to_nat(family, quoted, message(family, *kind, 1400)),
               plain.error_to_client(message(family, *kind, 1400), known, INNER_HOP[family], TTL), before=before)
    topic.case(f"IPv{family}: unreachable", here, to_nat(family, there),
               sides.error_to_client(unreachable(family), shown, INNER_HOP[family], TTL), before=before)
    back_shown, back_there = sides.quotes(to_client=True, build=segment([ours]))
    from .icmp_nat import HOP, to_vip
    topic.case(f"IPv{family}: an MTU from the clients' side", here, to_vip(family, back_there, message(family, *kind, 1400)),
               sides.error_to_backend(message(family, *kind, 1400), back_shown, HOP[family], TTL), before=before)


def make_clamped(topic, family):
    """clamp_mss leaves room for it in what clients send, and not in what backends do."""
    serv, fits = f"tcp{family}", 1400 - HEADERS[family]
    here = toa_world(f"clamped {family}", hops(mtu=1400), clamp_mss="true")
    syn = frame(family, options=[("MSS", 1460)])
    topic.case(f"IPv{family}: clamp_mss, SYN", here, syn, told(here, clamped(syn, fits), serv))
    for mss in (fits - LENGTH[family], fits - LENGTH[family] + 1):
        back = answer(here, syn, serv, options=[("MSS", mss)])
        topic.case(f"IPv{family}: clamp_mss, SYN-ACK, {mss}", here, back, to_client(syn, clamped(back, fits - LENGTH[family])),
                   before=[packet_step(syn)])


def make_others(topic, here):
    datagram = frame(protocol="udp", data=b"data")
    topic.case("UDP of the same pool", here, datagram, to_backend(here, datagram, "udp4"))
    plain = nat_world("a pool without")
    forged = frame(options=[(254, b"\x1f\x90\x01\x02\x03\x04")])
    meant = frame(options=[NOP] * 8)
    expect = to_backend(plain, meant, "tcp4")
    expect["bytes"] = rightly_summed(at(bytes.fromhex(expect["bytes"]), 54, forged[54:62])).hex()
    topic.case("without toa a client's own stays", plain, forged, expect)
