# SPDX-License-Identifier: Apache-2.0
"""What must come out. The caller says what becomes of the packet and why; here is what follows from that:
the bytes, by scapy, and the counters. Sources: RFC 2003 and 2473 (IP in IP), RFC 7348 (VXLAN), RFC 2784 and
2890 (GRE), draft-ietf-intarea-gue-09 §3 (GUE), RFC 6040 §4.1 (ECN), RFC 6438 (flow label), RFC 9293 §3.10.7.1 (reset)."""

import ipaddress

from scapy.all import GRE, IP, TCP, UDP, VXLAN, Dot1AD, Dot1Q, Ether, IPv6, IPv6ExtHdrDestOpt, Raw, bind_layers
from scapy.layers.ipsec import AH
from scapy.utils import checksum

from .flow_hash import flow_hash, service_salt
from .packets import with_tags

INNER_SOURCE = "02:67:77:00:00:00"
PROTOCOL = {"tcp": 6, "udp": 17}

# Scapy stops at an authentication header unless told what may follow.
bind_layers(AH, TCP, nh=6)
bind_layers(AH, UDP, nh=17)
bind_layers(AH, IPv6ExtHdrDestOpt, nh=60)


class Parsed:
    """The parts of a well-formed frame that an expectation is made from. Found by scapy, not by offsets."""

    def __init__(self, frame):
        packet = Ether(frame)
        self.family = 4 if IP in packet else 6
        self.layer = packet[IP] if self.family == 4 else packet[IPv6]
        self.l4 = packet[TCP] if TCP in packet else packet[UDP] if UDP in packet else None
        self.protocol = "tcp" if TCP in packet else "udp"
        self.l3_offset = 14 + 4 * sum(layer in (Dot1Q, Dot1AD) for layer in packet.layers())
        self.length = self.layer.len if self.family == 4 else 40 + self.layer.plen
        self.ip_bytes = frame[self.l3_offset:self.l3_offset + self.length]
        self.padding = frame[self.l3_offset + self.length:]
        self.traffic_class = self.layer.tos if self.family == 4 else self.layer.tc


def packed(text):
    return ipaddress.ip_address(text).packed


def hash_of(world, service, parsed):
    salt = service_salt(packed(service["address"]), PROTOCOL[parsed.protocol], service["port"])
    return flow_hash(world.seed, packed(parsed.layer.src), packed(parsed.layer.dst), parsed.l4.sport,
                     parsed.l4.dport, salt, service.get("hash", "five_tuple"))


def decremented(parsed):
    """The IP packet with its TTL one lower, and the IPv4 checksum made anew over the header."""
    data = bytearray(parsed.ip_bytes)
    if parsed.family == 6:
        data[7] -= 1
        return bytes(data)
    data[8] -= 1
    data[10:12] = b"\0\0"
    data[10:12] = checksum(bytes(data[:parsed.layer.ihl * 4])).to_bytes(2, "big")
    return bytes(data)


def link_layer(hop):
    return with_tags(Ether(src=hop["source_mac"], dst=hop["mac"]), hop["vlans"])


def outer_headers(world, pool, backend, parsed, hashed):
    """Everything between Ethernet and the inner IP packet."""
    to = backend["address"]
    preferred = world.next_hops[to]["preferred_source"]
    source = preferred if pool.get("source", "auto") == "auto" else pool["source"]
    mode = pool["forwarding"]
    in_ip = {4: 4, 6: 41}[parsed.family]
    protocol = {"ipip": in_ip, "gre": 47, "gue": 17, "vxlan": 17}[mode]
    if ipaddress.ip_address(to).version == 4:
        layers = IP(src=source, dst=to, tos=parsed.traffic_class, id=0, flags="DF", ttl=64, proto=protocol)
    else:
        layers = IPv6(src=source, dst=to, tc=parsed.traffic_class, fl=hashed >> 8 & 0xFFFFF, hlim=64,
                      nh=protocol)
    entropy = 0xC000 | hashed & 0x3FFF
    if mode == "gre":
        key = pool.get("gre", {}).get("key")
        return layers / GRE(proto=ether_type(parsed.family), key_present=int(key is not None), key=key)
    if mode == "gue":  # variant 0, no flags, header length 0
        layers /= UDP(sport=entropy, dport=pool.get("gue", {}).get("port", 6080), chksum=0)
        return layers / Raw(bytes([0, in_ip, 0, 0]))
    if mode == "vxlan":
        settings = pool["vxlan"]
        layers /= UDP(sport=entropy, dport=settings["port"], chksum=0)
        layers /= VXLAN(flags="Instance", vni=settings["vni"])
        layers /= Ether(src=INNER_SOURCE, dst=settings["inner_mac"], type=ether_type(parsed.family))
    return layers


def ether_type(family):
    return {4: 0x0800, 6: 0x86DD}[family]


def forwarded_bytes(world, frame, service_name, backend_name, flow=None):
    """`flow`: whose packet it is, if that is not to be read from its own headers."""
    parsed = Parsed(frame)
    service = world.service(service_name)
    pool = world.pool(service["pool"])
    backend = next(each for each in pool["backends"] if each["name"] == backend_name)
    ethernet = link_layer(world.next_hops[backend["address"]])
    inner = decremented(parsed)
    if pool["forwarding"] == "l2dsr":
        ethernet.lastlayer().type = ether_type(parsed.family)
        return bytes(ethernet) + inner + parsed.padding
    hashed = hash_of(world, service, flow or parsed)
    headers = outer_headers(world, pool, backend, parsed, hashed)
    return bytes(ethernet / headers / Raw(inner))  # Ethernet's padding ends here


def reset_bytes(frame):
    """The answer of a closed TCP to this segment, sent back the way it came."""
    parsed = Parsed(frame)
    segment = parsed.l4
    header = frame[6:12] + frame[0:6] + frame[12:parsed.l3_offset]
    if segment.flags.A:
        numbers = {"seq": segment.ack, "ack": 0, "flags": "R"}
    else:
        ip_header = len(parsed.ip_bytes) - len(bytes(segment.original))
        data = parsed.length - ip_header - segment.dataofs * 4
        length = data + int(segment.flags.S) + int(segment.flags.F)
        numbers = {"seq": 0, "ack": (segment.seq + length) & 0xFFFFFFFF, "flags": "RA"}
    answer = TCP(sport=segment.dport, dport=segment.sport, window=0, **numbers)
    addresses = {"src": parsed.layer.dst, "dst": parsed.layer.src}
    if parsed.family == 4:
        return header + bytes(IP(id=0, flags="DF", ttl=64, **addresses) / answer)
    return header + bytes(IPv6(hlim=64, **addresses) / answer)


MISS = {"flow_misses": 1, "flows_new": 1}
HIT = {"flow_hits": 1}
# A TCP packet without SYN that nobody knows.
STRANGER = {"flow_misses": 1, "flows_new": 1, "untracked_established": 1}


def first_events(frame):
    """Events of a flow's first packet."""
    parsed = Parsed(frame)
    return STRANGER if parsed.protocol == "tcp" and not parsed.l4.flags.S else MISS


def forwarded(world, frame, service, backend="b1", events=None):
    pool = world.pool(world.service(service)["pool"])
    address = next(each["address"] for each in pool["backends"] if each["name"] == backend)
    return {"verdict": "forward", "reason": "forwarded",
            "interface": world.next_hops[address]["interface"],
            "service": f"{service}/{Parsed(frame).protocol}", "backend": backend,
            "events": first_events(frame) if events is None else events,
            "bytes": forwarded_bytes(world, frame, service, backend).hex()}


def to_kernel(reason):
    """To the host's network stack, unchanged."""
    return {"verdict": "kernel", "reason": reason, "events": {}}


def dropped(reason, events=None):
    return {"verdict": "drop", "reason": reason, "events": events or {}}


def answered_by_reset(frame):
    return {"verdict": "reply", "reason": "reset_sent", "interface": "wan", "events": HIT,
            "bytes": reset_bytes(frame).hex()}
