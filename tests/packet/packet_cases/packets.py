# SPDX-License-Identifier: Apache-2.0
"""Packets that go in."""

from scapy.all import IP, TCP, UDP, Dot1AD, Dot1Q, Ether, IPv6, Raw  # noqa: F401  (for the topics)

from .worlds import CLIENT, OUR_WAN, ROUTER, VIP


def ethernet(vlans=(), **fields):
    """Ethernet from the router to us, with tags from the outermost in."""
    layers = Ether(src=ROUTER, dst=OUR_WAN) if not fields else Ether(**{"src": ROUTER, "dst": OUR_WAN, **fields})
    return with_tags(layers, vlans)


def with_tags(layers, vlans):
    """`layers` followed by these tags, made by ctag() and stag()."""
    for vlan in vlans:
        layers /= {"8100": Dot1Q, "88a8": Dot1AD}[vlan["protocol"]](vlan=vlan["id"])
    return layers


def ip(family, **fields):
    """From the client to the VIP."""
    defaults = {"src": CLIENT[family], "dst": VIP[family]}
    defaults.update({"id": 0x1234, "ttl": 57} if family == 4 else {"hlim": 57, "fl": 0x12345})
    return (IP if family == 4 else IPv6)(**{**defaults, **fields})


def tcp(flags="S", sport=40000, dport=80, seq=0x01020304, **fields):
    return TCP(sport=sport, dport=dport, flags=flags, seq=seq, **fields)


def udp(sport=40000, dport=80, **fields):
    return UDP(sport=sport, dport=dport, **fields)


def l4(protocol, **fields):
    return tcp(**fields) if protocol == "tcp" else udp(**fields)


def frame(family=4, protocol="tcp", data=b"", vlans=(), **fields):
    """A complete frame of the client's flow to port 80."""
    return bytes(ethernet(vlans) / ip(family) / l4(protocol, **fields) / Raw(data))


def at(data, offset, new):
    """`data` with the bytes at `offset` replaced."""
    return data[:offset] + new + data[offset + len(new):]


def with_ipv4_checksum(data, offset=14):
    """`data` with the checksum of the IPv4 header at `offset` made right."""
    from scapy.utils import checksum
    header = at(data[offset:offset + (data[offset] & 15) * 4], 10, b"\0\0")
    return at(data, offset + 10, checksum(header).to_bytes(2, "big"))
