# SPDX-License-Identifier: Apache-2.0
"""Forwarding mode nat: service port 80, backends on port 6400, both directions. RFC 3022."""

from ..expected import HIT, MISS, dropped
from ..expected_fragments import translated_in_fragments
from ..expected_nat import answer, marked_reset, reset_to, to_backend, to_client, translation
from ..files import age_step, mark_step, packet_step, world_step
from ..icmp import answered_echo, echo_request, time_exceeded, too_big
from ..packets import Raw, at, ethernet, frame, ip, tcp, udp
from ..worlds import BACKEND, VIP, ctag, hops, pool, service, stag, unresolved, world

SOURCE = {4: "198.51.100.9", 6: "2001:db8:9::9"}
SECOND = {4: "198.51.100.10", 6: "2001:db8:9::10"}
EXPIRED = {"flow_misses": 1}


def nat_pool(name="web", family=4, source=None, port=6400, **more):
    text = f", port = {port}" if port else ""
    return pool(name, "nat", [("b1" if family == 4 else "b6", BACKEND[family], text)], source=source or f'"{SOURCE[family]}"', **more)


def nat_world(name="nat", next_hops=None, **more):
    """Both families: tcp4 and udp4 to pool web, tcp6 and udp6 to pool web6."""
    services = "".join(service(f"{protocol}{family}", family, protocol, to=to)
                       for family, to in ((4, "web"), (6, "web6")) for protocol in ("tcp", "udp"))
    return world(name, nat_pool(**more), nat_pool("web6", 6, **more), services, next_hops=next_hops)


def make(topic):
    here = nat_world()
    for family in (4, 6):
        for protocol in ("tcp", "udp"):
            make_both_directions(topic, here, family, protocol)
    make_strangers(topic, here)
    make_replies(topic, here)
    for family in (4, 6):
        make_ends(topic, here, family)
    make_forged(topic, here)
    make_one_client_port(topic)
    make_shapes(topic, here)
    make_tags(topic, here)
    make_worlds(topic, here)


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
    topic.case(f"{name}: data back", here, data, to_client(first, data),
               before=[*steps, packet_step(second)])


def make_strangers(topic, here):
    for family in (4, 6):
        serv = f"tcp{family}"
        for flags in ("A", "PA", "FA", "SA", "SF", "SFPU", "FPU", ""):
            packet = frame(family, flags=flags, ack=77)
            topic.case(f"IPv{family}: {flags} of no flow", here, packet, reset_to(packet))
        for flags in ("R", "RA", "SR", "FSRPAUEC"):
            packet = frame(family, flags=flags)
            topic.case(f"IPv{family}: {flags} of no flow", here, packet, dropped("nat_no_flow", EXPIRED))
        for layer in (tcp(sport=80), tcp("A", sport=80), udp(sport=80)):
            packet = bytes(ethernet() / ip(family, src=VIP[family]) / layer)
            topic.case(f"IPv{family}: LAND, {layer.summary()}", here, packet, dropped("bad_source", EXPIRED))
        group = {4: "224.0.0.5", 6: "ff02::5"}[family]
        for layer in (tcp("A"), udp()):
            packet = bytes(ethernet() / ip(family, src=group) / layer)
            topic.case(f"IPv{family}: from a group, {layer.summary()}", here, packet, dropped("bad_source", EXPIRED))


def make_replies(topic, here):
    first = frame()
    known = [packet_step(first)]
    reply = answer(here, first)
    topic.case("a reply of no flow", here, reply, dropped("nat_no_flow"))
    for name, packet, reason in (
            ("from another host", at(reply, 29, b"\x63"), "nat_not_its_backend"),
            ("from another port", at(reply, 34, b"\x00\x50"), "nat_not_its_backend"),
            ("to a port that is free", at(reply, 36, b"\xff\xff"), "nat_no_flow"),
            ("to a port below the range", at(reply, 36, b"\x00\x16"), "nat_no_flow"),
            ("of the other protocol", bytes(ethernet() / ip(4, src=BACKEND[4], dst=SOURCE[4]) /
                                            udp(sport=6400, dport=translation(here, first)[1])),
             "nat_no_flow")):
        topic.case(f"a reply {name}", here, packet, dropped(reason), before=known)
    last_hop = answer(here, first, ttl=1)
    topic.case("a reply with TTL 1", here, last_hop, time_exceeded(last_hop), before=known)
    ping = bytes(ethernet() / ip(4, src=BACKEND[4], dst=SOURCE[4]) / echo_request(4))
    topic.case("a ping to the NAT address", here, ping, answered_echo(ping))


def make_forged(topic, here):
    """What anybody may send in the client's name."""
    syn, ack = frame(), frame(flags="A", ack=10)
    opened = [packet_step(syn), packet_step(answer(here, syn)), packet_step(ack)]
    twice = [packet_step(syn), packet_step(answer(here, syn)), packet_step(syn), age_step(31)]
    topic.case("a SYN sent twice makes no connection", here, ack, reset_to(ack), before=twice)
    reset = [*opened, packet_step(frame(flags="R"))]
    topic.case("reset by the client, 10 s after", here, ack, to_backend(here, ack, events=HIT), before=[*reset, age_step(10)])
    topic.case("reset by the client, later", here, ack, reset_to(ack), before=[*reset, age_step(11)])
    topic.case("a RST that was not the client's", here, ack, to_backend(here, ack, events=HIT),
               before=[*reset, packet_step(ack), age_step(60)])
    ended = [*opened, packet_step(frame(flags="FA", ack=10))]
    topic.case("a SYN after one side's FIN is not a new connection", here, syn, to_backend(here, syn, events=HIT), before=ended)


def make_one_client_port(topic):
    """One client's port to many services, at once: as many flows."""
    ports = range(80, 86)
    many = world("six services", nat_pool(), "".join(service(f"tcp4-{port}", port=port) for port in ports))
    before = []
    for port in ports:
        syn = frame(dport=port)
        topic.case(f"service {port} beside others", many, syn, to_backend(many, syn, f"tcp4-{port}"), before=list(before))
        ack = frame(flags="A", ack=10, dport=port)
        before += [packet_step(syn), packet_step(answer(many, syn, f"tcp4-{port}")), packet_step(ack)]
        topic.case(f"service {port} goes on", many, ack, to_backend(many, ack, f"tcp4-{port}", events=HIT), before=list(before))


def make_ends(topic, here, family):
    syn, ack = frame(family), frame(family, flags="A", ack=10)
    serv, backend = f"tcp{family}", "b1" if family == 4 else "b6"
    synack = answer(here, syn, serv)
    opened = [packet_step(syn), packet_step(synack), packet_step(ack)]
    closed = [*opened, packet_step(frame(family, flags="FA", ack=10)), packet_step(answer(here, syn, serv, flags="FA"))]
    topic.case(f"IPv{family}: a SYN that is sent again", here, syn, to_backend(here, syn, serv, events=HIT), before=opened[:1])
    topic.case(f"IPv{family}: half open for 30 s", here, ack, to_backend(here, ack, serv, events=HIT), before=[*opened[:2], age_step(30)])
    topic.case(f"IPv{family}: half open for longer", here, ack, reset_to(ack), before=[*opened[:2], age_step(31)])
    topic.case(f"IPv{family}: idle for the timeout", here, ack, to_backend(here, ack, serv, events=HIT),
               before=[*opened, age_step(350)])
    topic.case(f"IPv{family}: idle for longer", here, ack, reset_to(ack), before=[*opened, age_step(351)])
    topic.case(f"IPv{family}: idle for longer, from the backend", here, synack, dropped("nat_no_flow"),
               before=[*opened, age_step(351)])
    topic.case(f"IPv{family}: closed, 10 s after", here, ack, to_backend(here, ack, serv, events=HIT), before=[*closed, age_step(10)])
    topic.case(f"IPv{family}: closed, later", here, ack, reset_to(ack), before=[*closed, age_step(11)])
    topic.case(f"IPv{family}: closed, a new connection on its ports", here, syn, to_backend(here, syn, serv), before=closed)
    reset = [*opened, packet_step(answer(here, syn, serv, flags="R"))]
    topic.case(f"IPv{family}: reset by the backend, later", here, ack, reset_to(ack), before=[*reset, age_step(3)])
    topic.case(f"IPv{family}: marked: reset", here, ack, marked_reset(ack), before=[*opened, mark_step(backend)])
    topic.case(f"IPv{family}: marked: a new connection", here, syn, to_backend(here, syn, serv), before=[*opened, mark_step(backend)])
    datagram = frame(family, protocol="udp")
    topic.case(f"IPv{family}: marked: UDP is chosen anew", here, datagram, to_backend(here, datagram, f"udp{family}"),
               before=[packet_step(datagram), mark_step(backend)])


def make_shapes(topic, here):
    options = bytes(ethernet() / ip(4, options=[b"\x01" * 8]) / tcp() / Raw(b"data"))
    topic.case("IPv4 options", here, options, to_backend(here, options))
    padded = frame(protocol="udp", data=b"x") + b"\xee" * 8
    topic.case("Ethernet padding stays", here, padded, to_backend(here, padded, "udp4"))
    fields = bytes(ethernet() / ip(4, tos=0xBB, id=7, flags="DF") / tcp(options=[("MSS", 1460)]))
    topic.case("TOS, id and DF stay", here, fields, to_backend(here, fields))
    bare = bytes(ethernet() / ip(4) / udp(chksum=0) / Raw(b"data"))
    topic.case("IPv4: UDP without checksum", here, bare, to_backend(here, bare, "udp4"))
    bare6 = at(frame(6, "udp", b"data"), 60, b"\0\0")
    topic.case("IPv6: UDP without checksum", here, bare6, dropped("nat_udp_checksum"))
    for number in range(6):  # one of them may make a sum of zero some day; all must be right
        datagram = frame(protocol="udp", data=bytes([number, 255 - number]), sport=41000 + number)
        topic.case(f"UDP checksum {number}", here, datagram, to_backend(here, datagram, "udp4"))


def make_tags(topic, here):
    tagged = nat_world("backends behind a tag", hops(vlans=[ctag(100)]))
    first = frame()
    topic.case("the backend's side has a tag", tagged, first, to_backend(tagged, first))
    for name, vlans in (("one tag", [ctag(7)]), ("two tags", [stag(8), ctag(9)])):
        request = frame(vlans=vlans)
        topic.case(f"the client's side has {name}", here, request, to_backend(here, request))
        reply = answer(here, request)
        topic.case(f"the client's side has {name}: answer", here, reply, to_client(request, reply, vlans),
                   before=[packet_step(request)])


def make_worlds(topic, here):
    first, ack = frame(), frame(flags="A", ack=10)
    same_port = nat_world("backends without port", port=None)
    topic.case("the service's port stays", same_port, first, to_backend(same_port, first))
    two = world("two addresses", nat_pool(source=f'["{SOURCE[4]}", "{SECOND[4]}"]'), service("tcp4"))
    used = set()
    for sport in range(40000, 40008):
        packet = frame(sport=sport)
        used.add(translation(two, packet)[0])
        topic.case(f"two addresses, port {sport}", two, packet, to_backend(two, packet))
    assert used == {SOURCE[4], SECOND[4]}, used
    far = nat_world("small path", {**hops(), **hops(BACKEND[4], mtu=600)})
    large = frame(data=b"x" * 600)
    topic.case("larger than the path, may be fragmented", far, large,
               translated_in_fragments(to_backend(far, large), 600))
    for family in (4, 6):
        narrow = nat_world(f"narrow {family}", {**hops(), **hops(BACKEND[family], mtu=1280)})
        fields = {"flags": "DF"} if family == 4 else {}
        whole = bytes(ethernet() / ip(family, **fields) / tcp(flags="S") / Raw(b"x" * 1300))
        topic.case(f"larger than the path, IPv{family}", narrow, whole,
                   too_big(whole, 1280, {"flow_misses": 1, "flows_new": 1}))
    lost = nat_world("no neighbour", unresolved())
    topic.case("no next hop: no new flow", lost, first, dropped("no_backend", EXPIRED))
    topic.case("the next hop is lost", here, ack, dropped("no_neighbour", HIT),
               before=[packet_step(first), world_step(lost)])
