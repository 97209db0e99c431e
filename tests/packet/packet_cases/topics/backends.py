# SPDX-License-Identifier: Apache-2.0
"""Backends that take no new flows, and flows whose backend changes."""

from ..expected import HIT, MISS, STRANGER, dropped, forwarded
from ..files import packet_step, world_step
from ..packets import frame
from ..worlds import BACKEND, ctag, hops, pool, service, services_for_all, unresolved, world

SECOND = "10.0.0.12"
IDLE = {"drained": ', state = "drain"', "disabled": ', state = "disabled"', "of weight 0": ", weight = 0"}


def two(name, first="", second="", next_hops=None, key="five_tuple", **more):
    """A world with b1 and b2, of which extra text says what is wrong with them."""
    return world(name, pool(backends=[("b1", BACKEND[4], first), ("b2", SECOND, second)], **more),
                 services_for_all(hash=key), next_hops=hops(BACKEND[4], SECOND) if next_hops is None else next_hops)


def make(topic):
    make_none(topic)
    make_choice(topic)
    make_old_flows(topic)
    make_clients(topic)
    make_removed(topic)
    make_next_hop_changes(topic)
    make_pool_changes(topic)


def make_none(topic):
    """Nobody takes new flows."""
    worlds = {name: world(f"the only backend is {name}", pool(backends=[("b1", BACKEND[4], text)]),
                          services_for_all()) for name, text in IDLE.items()}
    worlds["without neighbour"] = world("the only backend is without neighbour", pool(), services_for_all(),
                                        next_hops=unresolved())
    worlds["never asked for"] = world("the only backend is never asked for", pool(), services_for_all(),
                                      next_hops={})
    for name, here in worlds.items():
        for family in (4, 6):
            topic.case(f"the only backend is {name}: SYN, IPv{family}", here, frame(family),
                       dropped("no_backend", {"flow_misses": 1}))
        topic.case(f"the only backend is {name}: UDP", here, frame(4, "udp"),
                   dropped("no_backend", {"flow_misses": 1}))
        topic.case(f"the only backend is {name}: ACK", here, frame(4, flags="A"),
                   dropped("no_backend", {"flow_misses": 1, "untracked_established": 1}))


def make_choice(topic):
    """One of two is out: the other one gets the flow, whatever its hash."""
    for name, text in IDLE.items():
        here = two(f"b1 is {name}", first=text)
        for port in (40000, 40001, 40002):
            packet = frame(4, sport=port)
            topic.case(f"b1 is {name}: port {port} goes to b2", here, packet,
                       forwarded(here, packet, "tcp4", "b2"))
    here = two("b1 has no neighbour", next_hops={**unresolved(BACKEND[4]), **hops(SECOND)})
    for port in (40000, 40001, 40002):
        packet = frame(4, sport=port)
        topic.case(f"b1 has no neighbour: port {port} goes to b2", here, packet,
                   forwarded(here, packet, "tcp4", "b2"))


def only_b1_then(name, after):
    """Steps after which the flow of frame() is on b1 and `after` is the world."""
    return [packet_step(frame()), world_step(after)]


def make_old_flows(topic):
    """A flow stays with its backend while that gets no new ones."""
    before = two("only b1 takes flows", second=', state = "disabled"')
    for name, text in IDLE.items():
        after = two(f"then b1 is {name}", first=text)
        for flags in ("A", "PA", "FA", "S"):
            packet = frame(4, flags=flags)
            topic.case(f"b1 becomes {name}: its flow's {flags} stays", before, packet,
                       forwarded(after, packet, "tcp4", "b1", HIT), before=only_b1_then(name, after))
        packet = frame(4, sport=40001)
        topic.case(f"b1 becomes {name}: a new flow does not go there", before, packet,
                   forwarded(after, packet, "tcp4", "b2"), before=only_b1_then(name, after))


def make_clients(topic):
    """Under a coarse key a SYN is a new connection of a known client: it leaves a backend that takes no new
    flows. What is no SYN stays, for it may be of an older connection."""
    before = two("by source, only b1 takes flows", second=', state = "disabled"', key="source")
    removed = world("by source, b1 is removed", pool(backends=[("b2", SECOND, "")]), services_for_all(hash="source"),
                    next_hops=hops(BACKEND[4], SECOND))
    changes = {name: two(f"by source, then b1 is {name}", first=text, key="source") for name, text in IDLE.items()}
    changes["without neighbour"] = two("by source, then b1 is without neighbour", key="source",
                                       next_hops={**unresolved(BACKEND[4]), **hops(SECOND)})
    changes["removed"] = removed
    for name, after in changes.items():
        steps = only_b1_then(name, after)
        for port in (40000, 40001):
            packet = frame(4, sport=port)
            topic.case(f"by source, b1 becomes {name}: a SYN from port {port} goes to b2", before, packet,
                       forwarded(after, packet, "tcp4", "b2", MISS), before=steps)
        packet = frame(4, flags="A", sport=40001)
        topic.case(f"by source, b1 becomes {name}: after the SYN all of the client is on b2", before, packet,
                   forwarded(after, packet, "tcp4", "b2", HIT), before=[*steps, packet_step(frame(4))])
    for name in ("drained", "removed"):
        for flags in ("A", "SA", "FA"):
            packet = frame(4, flags=flags)
            topic.case(f"by source, b1 becomes {name}: {flags} stays", before, packet,
                       forwarded(before, packet, "tcp4", "b1", HIT), before=only_b1_then(name, changes[name]))
    packet = frame(4, "udp", sport=40001)
    topic.case("by source, b1 becomes drained: UDP stays", before, packet,
               forwarded(before, packet, "udp4", "b1", HIT),
               before=[packet_step(frame(4, "udp")), world_step(changes["drained"])])
    takes = two("by source, both take flows", key="source")
    packet = frame(4, sport=40001)
    topic.case("by source, b1 takes new flows: a SYN stays", before, packet,
               forwarded(takes, packet, "tcp4", "b1", HIT), before=only_b1_then("as good as ever", takes))


def make_removed(topic):
    before = two("b2 waits", second=', state = "disabled"')
    after = world("b1 is removed", pool(backends=[("b2", SECOND, "")]), services_for_all(),
                  next_hops=hops(BACKEND[4], SECOND))
    steps = [packet_step(frame()), world_step(after)]
    # Its record is made from what the last configuration said of it.
    packet = frame(4, flags="PA", data=b"still here")
    stays = forwarded(before, packet, "tcp4", "b1", HIT)
    topic.case("a removed backend keeps its flow", before, packet, stays, before=steps)
    packet = frame(4, sport=40001)
    topic.case("a removed backend gets no new flow", before, packet,
               forwarded(after, packet, "tcp4", "b2"), before=steps)
    again = world("b1 is back", pool(backends=[("b1", BACKEND[4], ""), ("b2", SECOND, "")]), services_for_all(),
                  next_hops=hops(BACKEND[4], SECOND))
    packet = frame(4, flags="A")
    topic.case("a removed backend that comes back has its flow", before, packet,
               forwarded(again, packet, "tcp4", "b1", HIT), before=[*steps, world_step(again)])


def make_next_hop_changes(topic):
    before = world("as it was", pool(forwarding="ipip"), services_for_all())
    gone = world("the neighbour is lost", pool(forwarding="ipip"), services_for_all(), next_hops=unresolved())
    packet = frame(4, flags="A")
    topic.case("an old flow whose next hop is lost", before, packet, dropped("no_neighbour", HIT),
               before=[packet_step(frame()), world_step(gone)])
    moved = world("the next hop has moved", pool(forwarding="ipip"), services_for_all(),
                  next_hops=hops(BACKEND[4], vlans=[ctag(42)], mtu=1400, interface="wan"))
    topic.case("an old flow whose next hop has moved", before, packet,
               forwarded(moved, packet, "tcp4", "b1", HIT), before=[packet_step(frame()), world_step(moved)])
    topic.case("an old flow whose next hop was lost and is back", before, packet,
               forwarded(before, packet, "tcp4", "b1", HIT),
               before=[packet_step(frame()), world_step(gone), world_step(before)])


def make_pool_changes(topic):
    """A hit counts only if the backend's pool is the service's."""
    def pools(name, to):
        return world(name, pool("one"), pool("two", backends=[("b2", SECOND, "")]),
                     service("web", 4, "tcp", to=to), service("dns", 4, "udp", 53, to="one"),
                     next_hops=hops(BACKEND[4], SECOND))
    before, after = pools("web goes to one", "one"), pools("web goes to two", "two")
    for flags, events in (("S", MISS), ("A", STRANGER)):
        packet = frame(4, flags=flags)
        topic.case(f"the service changes its pool: {flags} of an old flow", before, packet,
                   forwarded(after, packet, "web", "b2", events),
                   before=[packet_step(frame()), world_step(after)])
    changed = world("the mode has changed", pool(forwarding="vxlan"), services_for_all())
    plain = world("the mode was l2dsr", pool(), services_for_all())
    packet = frame(4, flags="A")
    topic.case("the pool changes its mode: an old flow follows", plain, packet,
               forwarded(changed, packet, "tcp4", "b1", HIT),
               before=[packet_step(frame()), world_step(changed)])
