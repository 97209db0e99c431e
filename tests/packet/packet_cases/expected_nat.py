# SPDX-License-Identifier: Apache-2.0
"""What must come out where forwarding is "nat": both directions, by scapy, which makes every checksum anew.
Sources: RFC 3022 (traditional NAT), RFC 768 (no UDP checksum), RFC 9293 §3.10.7.1 (reset)."""

from scapy.all import IP, TCP, UDP, Ether, IPv6, Raw

from .expected import HIT, MISS, PROTOCOL, Parsed, link_layer, packed, reset_bytes
from .nat_ports import first_place, nat_hash
from .packets import with_tags


def translation(world, frame, service_name="tcp4"):
    """(NAT address, NAT port, backend) of the flow of a client's frame; with snat = false it is the client's own.
    The pool has one backend."""
    parsed = Parsed(frame)
    pool = world.pool(world.service(service_name)["pool"])
    backend, = pool["backends"]
    if not pool.get("snat", True):
        return parsed.layer.src, parsed.l4.sport, backend
    sources = pool["source"] if isinstance(pool["source"], list) else [pool["source"]]
    client = packed(parsed.layer.src)
    own = [source for source in sources if len(packed(source)) == len(client)]
    hash_ = nat_hash(world.seed, client, packed(parsed.layer.dst), (parsed.l4.sport, parsed.l4.dport),
                     PROTOCOL[parsed.protocol])
    address, port = first_place(hash_, own)
    return address, port, backend


def rewritten(frame, link, source, sport, destination, dport):
    """The IP packet of `frame` behind `link`, with new addresses and ports, one hop older."""
    packet = Ether(frame)
    layer = packet[IP] if IP in packet else packet[IPv6]
    l4 = packet[TCP] if TCP in packet else packet[UDP]
    keeps_no_checksum = UDP in packet and l4.chksum == 0
    layer.src, layer.dst, l4.sport, l4.dport = source, destination, sport, dport
    if IP in packet:
        layer.ttl -= 1
        del layer.chksum
    else:
        layer.hlim -= 1
    if not keeps_no_checksum:
        del l4.chksum
    link.lastlayer().type = 0x0800 if IP in packet else 0x86DD
    return bytes(link / layer)


def to_backend(world, frame, service="tcp4", events=None):
    """A client's packet on its way to the backend."""
    address, port, backend = translation(world, frame, service)
    to, to_port = backend["address"], backend.get("port", Parsed(frame).l4.dport)
    hop = world.next_hops[to]
    return {"verdict": "forward", "reason": "forwarded", "interface": hop["interface"],
            "service": f"{service}/{Parsed(frame).protocol}", "backend": backend["name"],
            "events": MISS if events is None else events,
            "bytes": rewritten(frame, link_layer(hop), address, port, to, to_port).hex()}


def answer(world, frame, service="tcp4", data=b"", ttl=64, **fields):
    """What the backend answers to the translated `frame`, as it comes in."""
    address, port, backend = translation(world, frame, service)
    parsed = Parsed(frame)
    to, to_port = backend["address"], backend.get("port", parsed.l4.dport)
    hop = world.next_hops[to]
    ends = {"sport": to_port, "dport": port}
    l4 = TCP(**{"flags": "SA", "seq": 9, **ends, **fields}) if parsed.protocol == "tcp" else UDP(**ends, **fields)
    addresses = {"src": to, "dst": address}
    layer = IP(ttl=ttl, **addresses) if parsed.family == 4 else IPv6(hlim=ttl, **addresses)
    return bytes(Ether(src=hop["mac"], dst=hop["source_mac"]) / layer / l4 / Raw(data))


def to_client(frame, reply, vlans=()):
    """The backend's `reply` on its way back to the client of `frame`, the way that one came."""
    parsed = Parsed(frame)
    link = with_tags(Ether(src=Ether(frame).dst, dst=Ether(frame).src), vlans)
    return {"verdict": "forward", "reason": "nat_returned", "interface": "wan", "events": {},
            "bytes": rewritten(reply, link, parsed.layer.dst, parsed.l4.dport, parsed.layer.src,
                               parsed.l4.sport).hex()}


def reset_to(frame, reason="nat_reset", events=None):
    """Answered by a reset in the VIP's name."""
    return {"verdict": "reply", "reason": reason, "interface": "wan",
            "events": {"flow_misses": 1} if events is None else events, "bytes": reset_bytes(frame).hex()}


def marked_reset(frame):
    return reset_to(frame, "reset_sent", HIT)


class Sides:
    """A NAT flow begun by a client's frame: what each end calls the two of them."""

    def __init__(self, world, frame, service="tcp4"):
        parsed = Parsed(frame)
        nat, nat_port, backend = translation(world, frame, service)
        self.world, self.frame, self.backend = world, frame, backend
        self.protocol, self.service = parsed.protocol, f"{service}/{parsed.protocol}"
        # Source and destination of a packet from the client to the backend, and whether the other way.
        self.outside = (parsed.layer.src, parsed.l4.sport, parsed.layer.dst, parsed.l4.dport)
        self.inside = (nat, nat_port, backend["address"], backend.get("port", parsed.l4.dport))
        self.hop = world.next_hops[backend["address"]]

    def quotes(self, to_client=False, most=None, data=b"some more data", build=None, **fields):
        """A packet of the flow as (the backend's side, the client's side) would have it, the first `most` bytes.
        `build`: makes the L4 header of (sport, dport)."""
        both = []
        for source, sport, destination, dport in (self.inside, self.outside):
            if to_client:
                source, sport, destination, dport = destination, dport, source, sport
            layer = (IPv6 if ":" in source else IP)(**{"src": source, "dst": destination, **fields})
            l4 = TCP(sport=sport, dport=dport, flags="A", seq=7, ack=9) if self.protocol == "tcp" else UDP(sport=sport, dport=dport)
            l4 = build(sport, dport) if build else l4
            both.append(bytes(layer / l4 / Raw(data))[:most])
        return both

    def error_to_client(self, message, quote, source, ttl, more=b"", vlans=()):
        """The error `message` about `quote` on its way to the client."""
        client, _, vip, _ = self.outside
        link = with_tags(Ether(src=Ether(self.frame).dst, dst=Ether(self.frame).src), vlans)
        shown = vip if source == self.inside[2] else source
        return {"verdict": "forward", "reason": "nat_returned", "interface": "wan",
                "events": {"icmp_errors_passed": 1},
                "bytes": (error_bytes(link, shown, client, message, quote, ttl) + more).hex()}

    def error_to_backend(self, message, quote, source, ttl, more=b""):
        """Likewise, to the backend."""
        nat, _, backend, _ = self.inside
        shown = nat if source == self.outside[0] else source
        return {"verdict": "forward", "reason": "forwarded", "interface": self.hop["interface"],
                "service": self.service, "backend": self.backend["name"], "events": {"icmp_errors_passed": 1},
                "bytes": (error_bytes(link_layer(self.hop), shown, backend, message, quote, ttl) + more).hex()}


def error_bytes(link, source, destination, message, quote, ttl, **fields):
    """An ICMP error as scapy makes it."""
    if ":" in source:
        layer = IPv6(src=source, dst=destination, hlim=ttl, **fields)
    else:
        layer = IP(src=source, dst=destination, ttl=ttl, **fields)
    return bytes(link / layer / message / Raw(quote))
