# SPDX-License-Identifier: Apache-2.0
"""What must come out where forwarding is "nat": both directions, by scapy, which makes every checksum anew.
Sources: RFC 3022 (traditional NAT), RFC 768 (no UDP checksum), RFC 9293 §3.10.7.1 (reset)."""

from scapy.all import IP, TCP, UDP, Ether, IPv6, Raw

from .expected import HIT, MISS, PROTOCOL, Parsed, link_layer, packed, reset_bytes
from .nat_ports import first_place, nat_hash
from .packets import with_tags


def translation(world, frame, service_name="tcp4"):
    """(NAT address, NAT port, backend) of the flow of a client's frame. The pool has one backend."""
    parsed = Parsed(frame)
    pool = world.pool(world.service(service_name)["pool"])
    backend, = pool["backends"]
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
