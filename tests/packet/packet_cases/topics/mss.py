# SPDX-License-Identifier: Apache-2.0
"""clamp_mss: the MSS of a SYN, and with nat of a SYN-ACK, is no larger than the path to the backend takes. RFC 9293 §3.7.1."""

from scapy.all import TCP, Ether

from ..expected import HIT, forwarded
from ..expected_nat import answer, to_backend, to_client
from ..files import packet_step
from ..packets import at, frame
from ..worlds import BACKEND, ctag, hops, pool, service, services_for_all, world
from .nat import SOURCE

MTU = 1400
HEADERS = {4: 40, 6: 60}  # IP and TCP
AROUND = {("l2dsr", 4): 0, ("ipip", 4): 20, ("ipip", 6): 40, ("gue", 4): 32, ("vxlan", 4): 50, ("vxlan", 6): 70}


def clamped(data, most):
    """`data` with its MSS lowered, by scapy."""
    packet = Ether(data)
    layer = packet[TCP]
    layer.options = [(name, min(value, most)) if name == "MSS" else (name, value) for name, value in layer.options]
    del layer.chksum
    return bytes(packet)


def nat_world(name, **more):
    def one(name, family):
        return pool(name, "nat", [("b1" if family == 4 else "b6", BACKEND[family], ", port = 6400")],
                    clamp_mss="true", **more)
    return world(name, one("web", 4), one("web6", 6), service("tcp4"), service("tcp6", 6, to="web6"), next_hops=hops(mtu=MTU))


def make(topic):
    sources = ", ".join(f'"{SOURCE[family]}"' for family in (4, 6))
    translated = nat_world("nat", source=f"[{sources}]")
    for here in (translated, nat_world("kept", snat="false")):
        for family in (4, 6):
            make_nat(topic, here, family)
    make_options(topic, translated)
    for (mode, outer), around in AROUND.items():
        make_tunnel(topic, mode, outer, around)


def make_nat(topic, here, family):
    name, serv, fits = f"{here.name}, IPv{family}", f"tcp{family}", MTU - HEADERS[family]
    for mss in (536, fits, fits + 1, 1460, 65535):
        syn = frame(family, options=[("MSS", mss)])
        topic.case(f"{name}: SYN, {mss}", here, syn, to_backend(here, clamped(syn, fits), serv))
        back = answer(here, syn, serv, options=[("MSS", mss), ("SAckOK", b"")])
        topic.case(f"{name}: SYN-ACK, {mss}", here, back, to_client(syn, clamped(back, fits)), before=[packet_step(syn)])
    syn = frame(family, options=[("MSS", 9000), ("NOP", None), ("WScale", 7)])
    topic.case(f"{name}: a SYN that is sent again", here, syn, to_backend(here, clamped(syn, fits), serv, events=HIT),
               before=[packet_step(syn)])
    bare = frame(family)
    topic.case(f"{name}: SYN without MSS", here, bare, to_backend(here, bare, serv))
    late = frame(family, flags="PA", ack=10, options=[("MSS", 9000)], data=b"x")
    topic.case(f"{name}: no SYN", here, late, to_backend(here, late, serv, events=HIT), before=[packet_step(bare)])
    back = answer(here, bare, serv, flags="A", options=[("MSS", 9000)])
    topic.case(f"{name}: no SYN-ACK", here, back, to_client(bare, back), before=[packet_step(bare)])


def make_options(topic, here):
    fits = MTU - HEADERS[4]
    nop = ("NOP", None)
    for name, options in (("behind one NOP", [nop, ("MSS", 9000)]), ("behind two NOPs", [nop, nop, ("MSS", 9000)]),
                          ("behind 15 NOPs", [nop] * 15 + [("MSS", 9000)]), ("behind SACK", [("SAckOK", b""), ("MSS", 9000)]),
                          ("behind a time stamp", [nop, nop, ("Timestamp", (1, 0)), ("MSS", 9000)]),
                          ("behind an odd one", [("WScale", 7), ("MSS", 9000)]),
                          ("with a tag", [("MSS", 9000)])):
        syn = frame(options=options, vlans=[ctag(5)] if "tag" in name else ())
        topic.case(f"MSS {name}", here, syn, to_backend(here, clamped(syn, fits)))
    raw = frame(options=[("MSS", 9000), nop, nop, nop, nop])
    for name, at_byte, new in (("behind 16 NOPs", None, None), ("of length 3", 55, b"\x03"), ("of length 0", 55, b"\0"),
                               ("of length 5", 55, b"\x05"), ("behind an option of length 0", 54, b"\x05\0"),
                               ("behind an option of length 1", 54, b"\x05\x01"), ("behind the end", 54, b"\0\x04"),
                               ("behind one that is too long", 54, b"\x05\xff"), ("cut by its header", 46, b"\x50"),
                               ("of another kind", 54, b"\x06")):
        if at_byte is None:
            syn = frame(options=[nop] * 16 + [("MSS", 9000)])
            topic.case(f"MSS {name}: stays", here, syn, to_backend(here, syn))
            continue
        expect = to_backend(here, raw)  # scapy would mend such options
        expect["bytes"] = rightly_summed(at(bytes.fromhex(expect["bytes"]), at_byte, new)).hex()
        topic.case(f"MSS {name}: stays", here, rightly_summed(at(raw, at_byte, new)), expect)


def rightly_summed(data):
    """With the TCP checksum made anew, and the options as they are."""
    from scapy.utils import checksum
    pseudo = data[26:34] + b"\0\6" + (len(data) - 34).to_bytes(2, "big")
    segment = at(data[34:], 16, b"\0\0")
    return at(data, 50, checksum(pseudo + segment).to_bytes(2, "big"))


def make_tunnel(topic, mode, outer, around):
    here = world(f"{mode}-outer{outer}", pool(forwarding=mode, backends=[("b1", BACKEND[outer], "")], clamp_mss="true"),
                 services_for_all(), next_hops=hops(mtu=MTU))
    for family in (4, 6):
        name, serv, fits = f"{mode}, outer IPv{outer}, IPv{family}", f"tcp{family}", MTU - around - HEADERS[family]
        for mss in (fits, fits + 1):
            syn = frame(family, options=[("MSS", mss)])
            topic.case(f"{name}: SYN, {mss}", here, syn, forwarded(here, clamped(syn, fits), serv))
        topic.case(f"{name}: a SYN that is sent again", here, syn, forwarded(here, clamped(syn, fits), serv, events=HIT),
                   before=[packet_step(syn)])
        late = frame(family, flags="A", options=[("MSS", 9000)])
        topic.case(f"{name}: no SYN", here, late, forwarded(here, late, serv, events=HIT), before=[packet_step(syn)])
