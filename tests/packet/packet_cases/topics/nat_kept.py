# SPDX-License-Identifier: Apache-2.0
"""Forwarding mode nat with snat = false: backends see the client's address, and their answers come by here."""

from scapy.all import IP, TCP, UDP, Ether, IPv6

from ..expected import HIT, dropped, to_kernel
from ..expected_nat import Sides, answer, error_bytes, marked_reset, reset_to, to_backend, to_client
from ..files import age_step, mark_step, packet_step
from ..icmp import echo_request
from ..packets import at, ethernet, frame, ip, tcp
from ..worlds import BACKEND, CLIENT, OUR_LAN, ctag, hops, pool, service, stag, world
from .icmp_nat import FROM_BACKEND, INNER_HOP, TTL, error, hop_count, to_vip, unreachable
from .icmp_passed import HOP, message
from .nat import EXPIRED, SOURCE

SECOND_VIP = {4: "203.0.113.11", 6: "2001:db8:203::11"}


def kept_pool(name="web", family=4, port=6400):
    text = f", port = {port}" if port else ""
    return pool(name, "nat", [("b1" if family == 4 else "b6", BACKEND[family], text)], snat="false")


def kept_world(name="kept", next_hops=None, port=6400, more=""):
    services = "".join(service(f"{protocol}{family}", family, protocol, to=to)
                       for family, to in ((4, "web"), (6, "web6")) for protocol in ("tcp", "udp"))
    return world(name, kept_pool(port=port), kept_pool("web6", 6, port), more, services, next_hops=next_hops)


def make(topic):
    here = kept_world()
    for family in (4, 6):
        for protocol in ("tcp", "udp"):
            make_both_directions(topic, here, family, protocol)
        make_strangers(topic, here, family)
        make_two_vips(topic, family)
        make_errors(topic, here, family)
    make_ends(topic, here)
    make_shapes(topic, here)
    make_beside_snat(topic)


def make_both_directions(topic, here, family, protocol):
    name, serv = f"IPv{family} {protocol}", f"{protocol}{family}"
    first = frame(family, protocol)
    topic.case(f"{name}: first packet", here, first, to_backend(here, first, serv))
    reply = answer(here, first, serv)
    topic.case(f"{name}: its answer", here, reply, to_client(first, reply), before=[packet_step(first)])
    more = {"flags": "PA", "ack": 10} if protocol == "tcp" else {}
    second = frame(family, protocol, data=b"hello", **more)
    steps = [packet_step(first), packet_step(reply)]
    topic.case(f"{name}: data", here, second, to_backend(here, second, serv, events=HIT), before=steps)
    data = answer(here, first, serv, data=b"odd data!", **({"flags": "PA"} if protocol == "tcp" else {}))
    topic.case(f"{name}: data back", here, data, to_client(first, data), before=[*steps, packet_step(second)])


def make_strangers(topic, here, family):
    """What backends send beside is none of ours: it is routed by the kernel."""
    first = frame(family)
    reply = answer(here, first, f"tcp{family}")
    known = [packet_step(first)]
    l4_at, ttl_at, source_at = (34, 22, 29) if family == 4 else (54, 21, 37)
    topic.case(f"IPv{family}: an answer of no flow", here, reply, to_kernel("no_service"))
    for name, packet in (("from another host", at(reply, source_at, b"\x63")),
                         ("from another port", at(reply, l4_at, b"\0\x50")),
                         ("to another port of the client", at(reply, l4_at + 2, b"\0\x50")),
                         ("to another client", at(reply, source_at + (4 if family == 4 else 16), b"\x63")),
                         ("at the end of its TTL", at(reply, ttl_at, b"\x01")),
                         ("with a wrong data offset", at(reply, l4_at + 12, b"\x20")),
                         ("cut in its TCP header", reply[:l4_at + 10]),
                         ("of the other protocol", answer(here, frame(family, "udp"), f"udp{family}"))):
        topic.case(f"IPv{family}: an answer {name}", here, packet, to_kernel("no_service"), before=known)
    if family == 4:
        fragment = at(reply, 20, b"\x20\0")
        topic.case("IPv4: a fragment of an answer", here, fragment, to_kernel("no_service"), before=known)
    for flags, expect in (("A", reset_to), ("R", lambda _: dropped("nat_no_flow", EXPIRED))):
        late = frame(family, flags=flags, ack=77)
        topic.case(f"IPv{family}: {flags} of no flow", here, late, expect(late))
    back = bytes(ethernet() / (IP if family == 4 else IPv6)(src=BACKEND[family], dst=CLIENT[family])
                 / TCP(sport=6400, dport=40000, flags="SA"))
    topic.case(f"IPv{family}: an answer by the client's side", here, back, to_client(first, back), before=known)


def make_two_vips(topic, family):
    """A backend cannot tell two flows of one client's port to one of its own apart."""
    two = world(f"two VIPs, IPv{family}", kept_pool(family=family), service("one", family),
                service("two", family, address=SECOND_VIP[family]))
    ports = world(f"two ports, IPv{family}", kept_pool(family=family, port=None), service("one", family),
                  service("two", family, port=81))
    first = frame(family)

    def to_second(sport=40000, **fields):
        return bytes(ethernet() / ip(family, dst=SECOND_VIP[family]) / tcp(sport=sport, **fields))
    known = [packet_step(first)]
    topic.case(f"IPv{family}: a client's port at two VIPs", two, to_second(), dropped("nat_no_port", EXPIRED), before=known)
    topic.case(f"IPv{family}: two ports at two VIPs", two, to_second(40001), to_backend(two, to_second(40001), "two"), before=known)
    topic.case(f"IPv{family}: a client's port at the next VIP, later", two, to_second(), to_backend(two, to_second(), "two"),
               before=[*known, age_step(31)])
    reply = answer(two, to_second(), "two")
    topic.case(f"IPv{family}: the answer is the newer flow's", two, reply, to_client(to_second(), reply),
               before=[*known, age_step(31), packet_step(to_second())])
    again = frame(family)
    topic.case(f"IPv{family}: a SYN that is sent again", two, again, to_backend(two, again, "one", events=HIT), before=known)
    other = frame(family, dport=81)
    topic.case(f"IPv{family}: a client's port at two ports", ports, other, to_backend(ports, other, "two"), before=known)
    for dport, serv in ((80, "one"), (81, "two")):
        packet = frame(family, dport=dport)
        reply = answer(ports, packet, serv)
        topic.case(f"IPv{family}: the answer from port {dport}", ports, reply, to_client(packet, reply),
                   before=[*known, packet_step(other)])


def make_errors(topic, here, family):
    first, said = frame(family), unreachable(family)
    before = [packet_step(first)]
    sides = Sides(here, first, f"tcp{family}")
    there, shown = sides.quotes(**hop_count(family))
    back_shown, back_there = sides.quotes(to_client=True, **hop_count(family))
    link = ethernet(**FROM_BACKEND)
    for who, source in (("a router", INNER_HOP[family]), ("the backend", BACKEND[family])):
        packet = error(link, source, CLIENT[family], said, there)
        topic.case(f"IPv{family}: an error of {who}", here, packet, sides.error_to_client(said, shown, source, TTL), before=before)
        topic.case(f"IPv{family}: an error of {who}, of no flow", here, packet, to_kernel("other_protocol"))
    for who, source in (("a router before us", HOP[family]), ("the client", CLIENT[family])):
        packet = to_vip(family, back_there, source=source)
        topic.case(f"IPv{family}: an error of {who}", here, packet, sides.error_to_backend(said, back_shown, source, TTL), before=before)
        topic.case(f"IPv{family}: an error of {who}, of no flow", here, packet, dropped("icmp_error"))
    small = message(family, *((3, 4, 100) if family == 4 else (2, 0, 100)))
    raised = message(family, *((3, 4, 576) if family == 4 else (2, 0, 1280)))
    packet = error(link, INNER_HOP[family], CLIENT[family], small, there)
    topic.case(f"IPv{family}: an MTU of 100", here, packet,
               {**sides.error_to_client(raised, shown, INNER_HOP[family], TTL),
                "events": {"icmp_errors_passed": 1, "icmp_mtu_raised": 1}}, before=before)
    kept = bytes(link / (IP if family == 4 else IPv6)(src=BACKEND[family], dst=CLIENT[family]) / echo_request(family))
    topic.case(f"IPv{family}: a ping to the client", here, kept, to_kernel("other_protocol"), before=before)
    if family == 4:
        whole = error_bytes(link, INNER_HOP[4], CLIENT[4], said, there, TTL, flags="MF")
        topic.case("IPv4: a fragment of an error", here, whole, to_kernel("other_protocol"), before=before)
    foreign = error(link, INNER_HOP[family], CLIENT[family], said, back_there)
    topic.case(f"IPv{family}: an error about something else", here, foreign, to_kernel("other_protocol"), before=before)


def make_ends(topic, here):
    syn, ack = frame(), frame(flags="A", ack=10)
    synack = answer(here, syn)
    opened = [packet_step(syn), packet_step(synack), packet_step(ack)]
    closed = [*opened, packet_step(frame(flags="FA", ack=10)), packet_step(answer(here, syn, flags="FA"))]
    topic.case("half open for longer", here, ack, reset_to(ack), before=[*opened[:2], age_step(31)])
    topic.case("idle for longer", here, ack, reset_to(ack), before=[*opened, age_step(351)])
    topic.case("idle for longer, from the backend", here, synack, to_kernel("no_service"), before=[*opened, age_step(351)])
    topic.case("closed, later", here, ack, reset_to(ack), before=[*closed, age_step(11)])
    topic.case("closed, a new connection on its ports", here, syn, to_backend(here, syn), before=closed)
    reset = [*opened, packet_step(answer(here, syn, flags="R"))]
    topic.case("reset by the backend, later", here, ack, reset_to(ack), before=[*reset, age_step(3)])
    topic.case("marked: reset", here, ack, marked_reset(ack), before=[*opened, mark_step("b1")])
    topic.case("marked: a new connection", here, syn, to_backend(here, syn), before=[*opened, mark_step("b1")])


def make_shapes(topic, here):
    first = frame()
    tagged = kept_world("kept, backends behind a tag", hops(vlans=[ctag(100)]))
    topic.case("the backend's side has a tag", tagged, first, to_backend(tagged, first))
    request = frame(vlans=[stag(8), ctag(9)])
    topic.case("the client's side has two tags", here, request, to_backend(here, request))
    reply = answer(here, request)
    topic.case("the client's side has two tags: answer", here, reply, to_client(request, reply, [stag(8), ctag(9)]),
               before=[packet_step(request)])
    same = kept_world("kept, the service's port", port=None)
    topic.case("the service's port stays", same, first, to_backend(same, first))
    back = answer(same, first)
    topic.case("the service's port stays: answer", same, back, to_client(first, back), before=[packet_step(first)])
    datagram = frame(6, "udp")
    bare = at(answer(here, datagram, "udp6", b"data"), 60, b"\0\0")
    topic.case("IPv6: an answer by UDP without checksum", here, bare, dropped("nat_udp_checksum"),
               before=[packet_step(datagram)])
    plain = bytes(Ether(src="02:00:00:00:00:11", dst=OUR_LAN) / IP(src=BACKEND[4], dst=CLIENT[4])
                  / UDP(sport=6400, dport=40000, chksum=0) / b"data")
    datagram = frame(4, "udp")
    topic.case("IPv4: an answer by UDP without checksum", here, plain, to_client(datagram, plain),
               before=[packet_step(datagram)])


def make_beside_snat(topic):
    """Both kinds at once: each keeps to its planes."""
    both = world("kept beside snat", kept_pool(), pool("other", "nat", [("b2", BACKEND[4], ", port = 6400")], source=f'"{SOURCE[4]}"'), service("kept"), service("other", port=81, to="other"))
    one, two = frame(), frame(dport=81)
    topic.case("beside snat: kept", both, one, to_backend(both, one, "kept"), before=[packet_step(two)])
    topic.case("beside snat: translated", both, two, to_backend(both, two, "other"), before=[packet_step(one)])
    for name, packet, serv in (("kept", one, "kept"), ("translated", two, "other")):
        reply = answer(both, packet, serv)
        topic.case(f"beside snat: the answer of the {name} one", both, reply, to_client(packet, reply),
                   before=[packet_step(one), packet_step(two)])
