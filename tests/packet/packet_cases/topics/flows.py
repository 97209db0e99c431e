# SPDX-License-Identifier: Apache-2.0
"""The life of a flow: probation, established, closing, forgotten. DESIGN: flow_table.h."""

from ..expected import HIT, MISS, STRANGER, forwarded
from ..files import age_step, packet_step, world_step
from ..packets import frame
from ..worlds import BACKEND, hops, pool, services_for_all, world

SECOND = "10.0.0.12"
# Packets of the client before → what its next packet finds.
LIVES = {
    "SYN again": (["S"], "S", HIT),
    "ACK after SYN": (["S"], "A", HIT),
    "data": (["S", "A"], "PA", HIT),
    "SYN into a live flow": (["S", "A", "PA"], "S", HIT),
    "second FIN": (["S", "A", "FA"], "FA", HIT),
    "ACK after FIN": (["S", "A", "FA"], "A", HIT),
    "data after RST": (["S", "A", "R"], "PA", HIT),
    "SYN after FIN": (["S", "A", "FA"], "S", MISS),
    "SYN after RST": (["S", "A", "R"], "S", MISS),
    "SYN ACK after FIN": (["S", "A", "FA"], "SA", HIT),
    "RST of an unknown flow, then ACK": (["R"], "A", HIT),
    "FIN as first packet, then SYN": (["FA"], "S", HIT),
    "FIN twice, then SYN": (["FA", "FA"], "S", MISS),
}
IDLE_S = 100


def make(topic):
    here = world("vxlan, 100 s", pool(forwarding="vxlan"), services_for_all(idle_timeout=f"{IDLE_S}s"))
    for family in (4, 6):
        for name, (flags_before, flags, events) in LIVES.items():
            packet = frame(family, flags=flags)
            topic.case(f"IPv{family}: {name}", here, packet,
                       forwarded(here, packet, f"tcp{family}", events=events),
                       before=[packet_step(frame(family, flags=each)) for each in flags_before])
    make_udp(topic, here)
    make_age(topic, here)
    make_new_backend(topic)


def make_udp(topic, here):
    packet = frame(4, "udp", b"more")
    topic.case("UDP: second packet", here, packet, forwarded(here, packet, "udp4", events=HIT),
               before=[packet_step(frame(4, "udp"))])
    topic.case("UDP and TCP of the same ports are two flows", here, packet,
               forwarded(here, packet, "udp4", events=MISS), before=[packet_step(frame(4, "tcp"))])


def make_age(topic, here):
    """A second more than the timeout, and it is forgotten. Closing flows have a minute."""
    for name, flags_before, age, flags, events in (
            ("on probation, just in time", ["S"], IDLE_S, "A", HIT),
            ("on probation, too late", ["S"], IDLE_S + 1, "A", STRANGER),
            ("established, just in time", ["S", "A"], IDLE_S, "A", HIT),
            ("established, too late", ["S", "A"], IDLE_S + 1, "A", STRANGER),
            ("established, too late, SYN", ["S", "A"], IDLE_S + 1, "S", MISS),
            ("closing, just in time", ["S", "A", "FA"], 60, "A", HIT),
            ("closing, too late", ["S", "A", "FA"], 61, "A", STRANGER)):
        packet = frame(4, flags=flags)
        topic.case(f"age: {name}", here, packet, forwarded(here, packet, "tcp4", events=events),
                   before=[*(packet_step(frame(4, flags=each)) for each in flags_before), age_step(age)])
    packet = frame(4, flags="A")
    refreshed = [packet_step(frame()), age_step(IDLE_S), packet_step(packet), age_step(IDLE_S)]
    topic.case("age: each packet starts it anew", here, packet,
               forwarded(here, packet, "tcp4", events=HIT), before=refreshed)


def make_new_backend(topic):
    """A new connection on the ports of an ended one is chosen anew; one on a live flow's is not."""
    backends = {name: [("b1", BACKEND[4], f', state = "{first}"'), ("b2", SECOND, f', state = "{second}"')]
                for name, first, second in (("b1", "enabled", "drain"), ("b2", "drain", "enabled"))}
    on_b1, on_b2 = (world(f"new flows to {name}", pool(backends=both), services_for_all(),
                          next_hops=hops(BACKEND[4], SECOND)) for name, both in backends.items())
    packet = frame()
    for name, flags_before, backend, events in (("live", "SA", "b1", HIT), ("ended", "SAF", "b2", MISS)):
        steps = [packet_step(frame(flags=flags)) for flags in flags_before]
        topic.case(f"SYN on the ports of a flow that is {name}", on_b1, packet,
                   forwarded(on_b2, packet, "tcp4", backend, events), before=[*steps, world_step(on_b2)])
