# SPDX-License-Identifier: Apache-2.0
"""Single IPv4 packets, made and seen by raw sockets in namespaces: any source, any number of flows.

Source: RFC 791, RFC 768, RFC 9293 §3.1, RFC 1071.
"""

import ctypes
import dataclasses
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000
_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4
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


def ethernet(destination, source):
    """A header from two MAC addresses as text."""
    return bytes.fromhex((destination + source).replace(":", "")) + b"\x08\x00"


def packet(flow, flag="syn"):
    """The IPv4 packet of a flow, without payload; of TCP a SYN or an ACK."""
    source, destination = socket.inet_aton(flow.source), socket.inet_aton(flow.destination)
    ports = struct.pack("!HH", flow.source_port, flow.destination_port)
    if flow.protocol == "tcp":
        protocol = socket.IPPROTO_TCP
        head, tail = ports + struct.pack("!IIBBH", 1, 1, 5 << 4, _FLAGS[flag], 8192), b"\0\0"
    else:
        protocol = socket.IPPROTO_UDP
        head, tail = ports + struct.pack("!H", 8), b""
    length = len(head) + 2 + len(tail)
    pseudo = source + destination + struct.pack("!BBH", 0, protocol, length)
    segment = head + struct.pack("!H", _checksum(pseudo + head + b"\0\0" + tail) or 0xFFFF) + tail
    fields = struct.pack("!BBHHHBB", 0x45, 0, 20 + length, 0, 0, _TTL, protocol)
    return fields + struct.pack("!H", _checksum(fields + source + destination)) + source + destination + segment


def flow_of(ip):
    """The flow of an IPv4 packet without options; None if it is another kind of packet."""
    if len(ip) < 24 or ip[0] != 0x45 or ip[9] not in (socket.IPPROTO_TCP, socket.IPPROTO_UDP):
        return None
    protocol = "tcp" if ip[9] == socket.IPPROTO_TCP else "udp"
    source_port, destination_port = struct.unpack_from("!HH", ip, 20)
    source, destination = socket.inet_ntoa(ip[12:16]), socket.inet_ntoa(ip[16:20])
    return Flow(protocol, source, source_port, destination, destination_port)


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - ((total & 0xFFFF) + (total >> 16))
