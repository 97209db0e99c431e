# SPDX-License-Identifier: Apache-2.0
"""What belongs to the host: other protocols, other addresses, multicast. ICMP: see echo and icmp_passed."""

from scapy.all import ARP, Dot3, Ether, ICMPv6ND_NS, ICMPv6ND_RS, IPv6, LLC, Raw

from ..expected import to_kernel
from ..packets import ethernet, frame, ip, tcp, udp
from ..worlds import CLIENT, OTHER, OUR_WAN, ROUTER, VIP, pool, services_for_all, world


def make(topic):
    here = world("l2dsr", pool(), services_for_all())
    for name, packet, reason in cases():
        topic.case(name, here, bytes(packet), to_kernel(reason))


def cases():
    yield from link_layer()
    yield from icmp()
    yield from other_destinations()


def link_layer():
    yield "ARP request", Ether(src=ROUTER, dst="ff:ff:ff:ff:ff:ff") / ARP(pdst=VIP[4]), "not_unicast"
    yield "ARP answer", ethernet() / ARP(op=2, psrc=VIP[4], pdst=CLIENT[4]), "not_ip"
    yield "LLDP", Ether(src=ROUTER, dst="01:80:c2:00:00:0e", type=0x88CC) / Raw(b"\0" * 46), "not_unicast"
    yield "LLDP to our own address", ethernet(type=0x88CC) / Raw(b"\0" * 46), "not_ip"
    yield "802.3 with a length", Dot3(src=ROUTER, dst=OUR_WAN) / LLC() / Raw(b"\0" * 40), "not_ip"
    yield "Ethernet header only", ethernet(type=0x88B5), "not_ip"
    yield "Ethernet header only, IPv4", ethernet(type=0x0800), "too_short"
    yield "broadcast to a VIP", ethernet(dst="ff:ff:ff:ff:ff:ff") / ip(4) / tcp(), "not_unicast"
    yield "multicast to a VIP", ethernet(dst="01:00:5e:00:00:01") / ip(4) / udp(), "not_unicast"
    yield "multicast to an IPv6 VIP", ethernet(dst="33:33:00:00:00:01") / ip(6) / udp(), "not_unicast"
    yield "MPLS", ethernet(type=0x8847) / Raw(b"\0" * 46), "not_ip"


def icmp():
    solicit = IPv6(src="fe80::1", dst="fe80::2", hlim=255) / ICMPv6ND_NS(tgt="fe80::2")
    # To the VIP itself: whether it is still there.
    probe = ip(6, hlim=255) / ICMPv6ND_NS(tgt=VIP[6])
    yield "neighbour solicitation to a VIP", ethernet() / probe, "other_protocol"
    yield "router solicitation to a VIP", ethernet() / ip(6, hlim=255) / ICMPv6ND_RS(), "other_protocol"
    yield "neighbour solicitation", ethernet() / solicit, "other_protocol"
    for number, name in ((2, "IGMP"), (47, "GRE"), (50, "ESP"), (89, "OSPF"), (132, "SCTP"), (4, "IPIP")):
        yield f"{name} to a VIP", ethernet() / ip(4, proto=number) / Raw(b"\0" * 40), "other_protocol"


def other_destinations():
    for family in (4, 6):
        yield (f"IPv{family}: another address", ethernet() / ip(family, dst=OTHER[family]) / tcp(),
               "no_service")
        for protocol in ("tcp", "udp"):
            yield (f"{protocol}{family}: another port", frame(family, protocol, dport=81), "no_service")
            yield (f"{protocol}{family}: from the service's port", frame(family, protocol, sport=80, dport=40000),
                   "no_service")
        swapped = ip(family, src=VIP[family], dst=CLIENT[family])
        yield f"IPv{family}: from a VIP", ethernet() / swapped / tcp(), "no_service"
    yield "other address, TTL 1", ethernet() / ip(4, dst=OTHER[4], ttl=1) / udp(), "no_service"
