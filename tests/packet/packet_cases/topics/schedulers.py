# SPDX-License-Identifier: Apache-2.0
"""Schedulers other than maglev: which packets take a turn, and that every other keeps its backend."""

from ..expected import HIT, MISS, STRANGER, forwarded
from ..files import packet_step, world_step
from ..packets import frame
from ..worlds import BACKEND, hops, pool, services_for_all, world

SCHEDULERS = ("round_robin", "weighted_round_robin", "least_connections", "weighted_least_connections")
SECOND = "10.0.0.12"


def make(topic):
    for scheduler in SCHEDULERS:
        only = {name: world(f"{scheduler}, new flows to {name}",
                            pool(scheduler=f'"{scheduler}"',
                                 backends=[("b1", BACKEND[4], f', state = "{first}"'),
                                           ("b2", SECOND, f', state = "{second}"')]),
                            services_for_all(), next_hops=hops(BACKEND[4], SECOND))
                for name, first, second in (("b1", "enabled", "drain"), ("b2", "drain", "enabled"))}
        make_first_packets(topic, scheduler, only["b1"])
        make_turned(topic, scheduler, only["b1"], only["b2"])


def make_first_packets(topic, scheduler, here):
    for name, packet, service, events in (("SYN", frame(4), "tcp4", MISS),
                                          ("SYN ACK", frame(4, flags="SA"), "tcp4", MISS),
                                          ("ACK", frame(4, flags="A"), "tcp4", STRANGER),
                                          ("RST", frame(4, flags="R"), "tcp4", STRANGER),
                                          ("UDP", frame(6, "udp"), "udp6", MISS)):
        topic.case(f"{scheduler}: first {name}", here, packet, forwarded(here, packet, service, events=events))


def make_turned(topic, scheduler, before, after):
    """It would be another backend's turn now; a flow does not take another one."""
    for name, flags_before, flags, backend, events in (("SYN again", "S", "S", "b1", HIT),
                                                       ("ACK", "S", "A", "b1", HIT),
                                                       ("SYN on ended ports", "SAF", "S", "b2", MISS)):
        packet = frame(4, flags=flags)
        steps = [packet_step(frame(4, flags=each)) for each in flags_before]
        topic.case(f"{scheduler}: {name}, turned", before, packet,
                   forwarded(after, packet, "tcp4", backend, events), before=[*steps, world_step(after)])
