# SPDX-License-Identifier: Apache-2.0
"""Single packets, made and seen by raw sockets in namespaces: any source, any number of flows.

Source: RFC 791, RFC 8200, RFC 768, RFC 9293 §3.1, RFC 1071.
"""

import ctypes
import dataclasses
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4
_SO_ATTACH_FILTER = 26
_ETHERTYPE_AT, _PROTOCOL_AT = 12, 23
_TTL = 64
_FLAGS = {"syn": 0x02, "ack": 0x10}


@dataclasses.dataclass(frozen=True)
class Flow:
    """Addresses as text. `protocol` is "tcp" or "udp"."""

    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int


def open_socket(netns, device):
    """A packet socket on a device of a named namespace; of what it receives, see arrivals()."""
    raw = in_namespace(
        netns, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    )
    raw.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE
    raw.bind((device, _ETH_P_ALL))
    raw.setblocking(False)
    return raw


def keep_only(raw, protocol):
    """From now on this socket takes in only IPv4 packets of this protocol: the kernel drops all others.

    Source: linux/filter.h; the offsets are those of an Ethernet frame.
    """
    steps = [
        (0x28, 0, 0, _ETHERTYPE_AT),  # ldh: the EtherType
        (0x15, 0, 3, 0x0800),  # jeq: IPv4, or drop
        (0x30, 0, 0, _PROTOCOL_AT),  # ldb: the protocol
        (0x15, 0, 1, protocol),  # jeq: this one, or drop
        (0x06, 0, 0, 0xFFFFFFFF),  # ret: the whole frame
        (0x06, 0, 0, 0),  # ret: nothing
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = struct.pack("HP", len(steps), ctypes.addressof(code))
    raw.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def in_namespace(netns, make):
    """What make() makes while this thread is in a named namespace: a socket stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", encoding="ascii") as own, open(
        f"/run/netns/{netns}", encoding="ascii"
    ) as other:
        _enter(libc, other)
        try:
            return make()
        finally:
            _enter(libc, own)


def _enter(libc, namespace):
    if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def arrivals(raw):
    """The frames that have come in by the socket's device and were not read yet."""
    while True:
        try:
            frame, address = raw.recvfrom(2048)
        except BlockingIOError:
            return
        if address[2] != _PACKET_OUTGOING:
            yield frame


def ethernet(destination, source, family=4):
    """A header from two MAC addresses as text."""
    ethertype = b"\x08\x00" if family == 4 else b"\x86\xdd"
    return bytes.fromhex((destination + source).replace(":", "")) + ethertype


def packet(flow, flag="syn"):
    """The IP packet of a flow, without payload; of TCP a SYN or an ACK."""
    family = socket.AF_INET6 if ":" in flow.source else socket.AF_INET
    source = socket.inet_pton(family, flow.source)
    destination = socket.inet_pton(family, flow.destination)
    ports = struct.pack("!HH", flow.source_port, flow.destination_port)
    if flow.protocol == "tcp":
        protocol = socket.IPPROTO_TCP
        head, tail = ports + struct.pack("!IIBBH", 1, 1, 5 << 4, _FLAGS[flag], 8192), b"\0\0"
    else:
        protocol = socket.IPPROTO_UDP
        head, tail = ports + struct.pack("!H", 8), b""
    length = len(head) + 2 + len(tail)
    # The sum is the same over IPv6, whose fields of it are wider by zeros.
    pseudo = source + destination + struct.pack("!BBH", 0, protocol, length)
    segment = head + struct.pack("!H", _checksum(pseudo + head + b"\0\0" + tail) or 0xFFFF) + tail
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, length, protocol, _TTL) + source + destination + segment
    fields = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 0, 0, _TTL, protocol)
    return fields + struct.pack("!H", _checksum(fields + source + destination)) + source + destination + segment


def flow_of(ip):
    """The flow of an IP packet without options; None if it is another kind of packet."""
    if len(ip) >= 24 and ip[0] == 0x45:
        family, protocol, addresses, header = socket.AF_INET, ip[9], ip[12:20], 20
    elif len(ip) >= 44 and ip[0] >> 4 == 6:
        family, protocol, addresses, header = socket.AF_INET6, ip[6], ip[8:40], 40
    else:
        return None
    if protocol not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return None
    half = len(addresses) // 2
    source, destination = (socket.inet_ntop(family, a) for a in (addresses[:half], addresses[half:]))
    source_port, destination_port = struct.unpack_from("!HH", ip, header)
    name = "tcp" if protocol == socket.IPPROTO_TCP else "udp"
    return Flow(name, source, source_port, destination, destination_port)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - ((total & 0xFFFF) + (total >> 16))
