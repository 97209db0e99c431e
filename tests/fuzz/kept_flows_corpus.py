# SPDX-License-Identifier: Apache-2.0
"""Descriptions of flow tables for kept_flows_fuzz, made from what kept_flows.h says, not by its code."""

import struct

MAGIC = b"gtwflow1"
VERSION = 1
DIRECTOR = b"lb1"
RAW, SEAL, NAMED = 0, 1, 2  # bits of an input's first byte
CAPACITY_1, CAPACITY_16 = 1 << 2, 2 << 2
REMOVED, HAS_VXLAN, HAS_SOURCE, HAS_GRE_KEY = 1, 2, 4, 8
L2DSR, IPIP, VXLAN, GRE, GUE = 0, 1, 2, 3, 4


def fnv(data):
    result = 0xCBF29CE484222325
    for byte in data:
        result = (result ^ byte) * 0x100000001B3 % 2**64
    return result


def fixed(backends, shards=2, buckets=10, version=VERSION, director=DIRECTOR):
    data = MAGIC + struct.pack("<IIII16s64s", version, shards, buckets, backends, bytes(range(16)), director)
    return data + struct.pack("<Q", fnv(data))


def copy(backends, generation, records):
    """One copy of the identities: head, records, room for the other backends."""
    data = b"".join(records)
    count = struct.pack("<I", len(records))
    parts = struct.pack("<QQ", fnv(struct.pack("<Q", generation)) ^ fnv(count), fnv(data))
    head = struct.pack("<QQ", generation, fnv(parts) if generation else 0) + count + bytes(4)
    return head + data.ljust(backends * 188, b"\0")


def record(number, forwarding=L2DSR, flags=0, family=4, **fields):
    get = fields.get
    return struct.pack(
        "<64s64s16s16sIHHHH6sBBBB6x", get("pool", b"web"), get("name", b"b1"), bytes([10, 0, 0, number + 1]),
        get("source", b""), get("vni", 0), number, get("port", 0), get("vxlan_port", 0), get("timeout", 350),
        get("mac", b""), family, get("source_family", 0), forwarding, flags)


def whole(backends, *copies, **fields):
    copies = [*copies, (0, []), (0, [])][:2]
    return fixed(backends, **fields) + b"".join(copy(backends, *each) for each in copies)


def inputs():
    plain = record(0)
    ipip = record(2, IPIP, HAS_SOURCE, 6, source=bytes(15) + b"\1", source_family=6)
    vxlan = record(1, VXLAN, HAS_VXLAN | REMOVED, vni=100, vxlan_port=4789, mac=b"\2gw\0\0\1", port=80)
    two = whole(3, (4, [plain, vxlan]), (5, [plain, vxlan, ipip]))
    made = {
        "empty table": (RAW, whole(1)),
        "no room for ids": (RAW, whole(0)),
        "one copy": (RAW, whole(1, (1, [plain]))),
        "two copies": (RAW, two),
        "two copies for a larger capacity": (RAW | CAPACITY_16, two),
        "two copies for a smaller capacity": (RAW | CAPACITY_1, two),
        "newer copy damaged": (RAW, two[:-1 - 5 * 16] + b"x" + two[-5 * 16:]),
        "both copies damaged": (RAW, fixed(1) + (copy(1, 1, [plain])[:-1] + b"x") * 2),
        "cut short": (RAW, two[:-1]),
        "fixed part alone": (RAW, fixed(3)),
        "another director": (RAW, whole(1, director=b"lb2")),
        "another version": (RAW, whole(1, version=VERSION + 1)),
        "largest table": (RAW, whole(1, shards=64, buckets=1 << 22)),
        "larger table": (RAW, whole(1, shards=64, buckets=(1 << 22) + 1)),
        "same id twice": (RAW, whole(2, (1, [plain, record(0, name=b"b2", pool=b"other")]))),
        "same backend twice": (RAW, whole(2, (1, [plain, plain]))),
        "bad name": (RAW, whole(1, (1, [record(0, name=b"../x")]))),
        "unterminated name": (RAW, whole(1, (1, [record(0, name=b"x" * 64)]))),
        "source of the other family": (
            RAW, whole(1, (1, [record(0, IPIP, HAS_SOURCE, source=bytes(15) + b"\1", source_family=6)]))),
        "gre with a key, and gue": (RAW, whole(2, (1, [record(0, GRE, HAS_GRE_KEY, vni=7), record(1, GUE, vxlan_port=6081)]))),
        "a gre key of vxlan": (RAW, whole(1, (1, [record(0, VXLAN, HAS_VXLAN | HAS_GRE_KEY, vxlan_port=1)]))),
        "vxlan without parameters": (RAW, whole(1, (1, [record(0, VXLAN)]))),
        "last generation": (RAW, whole(1, (2**64 - 1, [plain]))),
        "sealed": (SEAL, two.replace(b"web", b"wex")),
        "sealed and named": (SEAL | NAMED, b"?" * 12 + two[12:40] + b"?" * 64 + two[104:]),
        "sealed for a larger capacity": (SEAL | NAMED | CAPACITY_16, two),
    }
    return {name: bytes([mode]) + data for name, (mode, data) in made.items()}
