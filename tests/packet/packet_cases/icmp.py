# SPDX-License-Identifier: Apache-2.0
"""ICMP: what Guideway answers, says by itself, and sends on. Sources: RFC 792, RFC 1812 §4.3.2 (an error has at
most 576 bytes), RFC 1191, RFC 4443 §2.4 and §3 (at most 1280), RFC 5508 (errors through a translator)."""

from scapy.all import (ICMP, IP, ICMPv6EchoReply, ICMPv6EchoRequest, ICMPv6PacketTooBig,
                       ICMPv6TimeExceeded, IPv6, Raw)

from .expected import Parsed, forwarded_bytes

MOST = {4: 576 - 28, 6: 1280 - 48}  # bytes of the packet that an error is about
HELD_BACK = {"icmp_held_back": 1}


def echo_request(family, data=b"ping", number=7, sequence=1):
    if family == 4:
        return ICMP(type=8, id=number, seq=sequence) / Raw(data)
    return ICMPv6EchoRequest(id=number, seq=sequence, data=data)


def reply(reason, data):
    return {"verdict": "reply", "reason": reason, "interface": "wan", "events": {}, "bytes": data.hex()}


def way_back(frame, parsed):
    """The link layer of an answer."""
    return frame[6:12] + frame[0:6] + frame[12:parsed.l3_offset]


def answered_echo(frame):
    """The reply of the host that the request was for, all else as it was."""
    parsed = Parsed(frame)
    layer = (IP if parsed.family == 4 else IPv6)(parsed.ip_bytes)
    layer.src, layer.dst = layer.dst, layer.src
    if parsed.family == 4:
        layer.ttl = 64
        del layer.chksum
        layer[ICMP].type = 0
        del layer[ICMP].chksum
        data = bytes(layer)
        if data[22:24] == b"\0\0":  # the other way to write zero in one's complement
            data = data[:22] + b"\xff\xff" + data[24:]
    else:
        layer.hlim = 64
        old = layer[ICMPv6EchoRequest]
        layer.remove_payload()
        data = bytes(layer / ICMPv6EchoReply(code=old.code, id=old.id, seq=old.seq, data=old.data))
    return reply("echo_answered", way_back(frame, parsed) + data + parsed.padding)


def error_about(frame, message, reason, events=None):
    """An ICMP error about the frame, from the VIP to its sender. `events`: of the packet on its way here."""
    parsed = Parsed(frame)
    quote = Raw(parsed.ip_bytes[:MOST[parsed.family]])
    addresses = {"src": parsed.layer.dst, "dst": parsed.layer.src}
    if parsed.family == 4:
        data = bytes(IP(id=0, flags="DF", ttl=64, **addresses) / message / quote)
    else:
        data = bytes(IPv6(hlim=64, **addresses) / message / quote)
    return {**reply(reason, way_back(frame, parsed) + data), "events": events or {}}


def time_exceeded(frame):
    message = ICMP(type=11, code=0) if Parsed(frame).family == 4 else ICMPv6TimeExceeded(code=0)
    return error_about(frame, message, "time_exceeded_sent")


def too_big(frame, mtu, events):
    family = Parsed(frame).family
    message = ICMP(type=3, code=4, nexthopmtu=mtu) if family == 4 else ICMPv6PacketTooBig(mtu=mtu)
    return error_about(frame, message, "too_big_sent", events)


class Flow:
    """A client's flow, as its packets show it."""

    def __init__(self, client, vip, protocol="tcp", sport=40000, dport=80):
        self.protocol = protocol
        self.layer = IPv6(src=client, dst=vip) if ":" in vip else IP(src=client, dst=vip)
        self.l4 = Raw()
        self.l4.sport, self.l4.dport = sport, dport


def passed_on(world, frame, flow, service, backend="b1", as_if=None, events=None):
    """Sent on to the flow's backend. `as_if`: what the frame becomes before."""
    pool = world.pool(world.service(service)["pool"])
    address = next(each["address"] for each in pool["backends"] if each["name"] == backend)
    data = forwarded_bytes(world, as_if or frame, service, backend, flow)
    return {"verdict": "forward", "reason": "forwarded", "interface": world.next_hops[address]["interface"],
            "service": f"{service}/{flow.protocol}", "backend": backend,
            "events": {"icmp_errors_passed": 1, **(events or {})}, "bytes": data.hex()}

