# SPDX-License-Identifier: Apache-2.0
"""Finding the service: exact port before any port, both families, both protocols, many of them."""

from ..expected import forwarded, to_kernel
from ..packets import ethernet, frame, ip, tcp, udp
from ..worlds import BACKEND, hops, pool, service, world

SECOND = {4: "10.0.0.12", 6: "fd00::12"}


def make(topic):
    make_any_port(topic)
    make_both_protocols(topic)
    make_single(topic)
    make_many(topic)


def two_pools(name, *services):
    return world(name, pool("web"), pool("rest", backends=[("b2", SECOND[4], "")]), *services,
                 next_hops=hops(BACKEND[4], SECOND[4]))


def make_any_port(topic):
    for family in (4, 6):
        here = two_pools(f"any port, IPv{family}", service("web", family, port=80),
                         service("any", family, port=0, to="rest"))
        for port, name, backend in ((80, "web", "b1"), (81, "any", "b2"), (0, "any", "b2"),
                                    (65535, "any", "b2")):
            packet = frame(family, "tcp", dport=port)
            topic.case(f"any port beside 80, IPv{family}: port {port}", here, packet,
                       forwarded(here, packet, name, backend))
        packet = frame(family, "udp", dport=80)
        topic.case(f"any port, IPv{family}: the other protocol", here, packet, to_kernel("no_service"))
        other = ethernet() / ip(family, dst={4: "203.0.113.11", 6: "2001:db8:203::11"}[family]) / tcp()
        topic.case(f"any port, IPv{family}: the next address", here, bytes(other), to_kernel("no_service"))


def make_both_protocols(topic):
    for family in (4, 6):
        here = world(f"tcp_udp, IPv{family}", pool(), service("dns", family, "tcp_udp", 53))
        for protocol in ("tcp", "udp"):
            packet = frame(family, protocol, dport=53)
            topic.case(f"tcp_udp, IPv{family}: {protocol}", here, packet, forwarded(here, packet, "dns"))


def make_single(topic):
    """One protocol only, on an address of its own."""
    for protocol, other in (("tcp", "udp"), ("udp", "tcp")):
        here = world(f"only {protocol}", pool(), service("one", 4, protocol, 443))
        packet = frame(4, protocol, dport=443)
        topic.case(f"only {protocol}: {protocol}", here, packet, forwarded(here, packet, "one"))
        packet = frame(4, other, dport=443)
        topic.case(f"only {protocol}: {other}", here, packet, to_kernel("no_service"))


def make_many(topic):
    """Enough services for every kind of place in the table."""
    services = [service(f"s{i}", 4, ("tcp", "udp")[i % 2], 1000 + i, address=f"203.0.113.{i % 7}")
                for i in range(100)]
    here = world("hundred services", pool(forwarding="ipip"), *services)
    for i in range(0, 100, 9):
        layer = (tcp, udp)[i % 2](dport=1000 + i)
        packet = bytes(ethernet() / ip(4, dst=f"203.0.113.{i % 7}") / layer)
        topic.case(f"hundred services: number {i}", here, packet, forwarded(here, packet, f"s{i}"))
    packet = bytes(ethernet() / ip(4, dst="203.0.113.1") / tcp(dport=1000))
    topic.case("hundred services: a port of another address", here, packet, to_kernel("no_service"))
