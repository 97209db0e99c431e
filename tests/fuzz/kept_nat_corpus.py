# SPDX-License-Identifier: Apache-2.0
"""Adopted NAT tables for kept_nat_fuzz, each damaged in one place, and what meets them."""

import struct

V4, V6, KEPT, KEPT_6 = range(4)  # worlds
PLANT, HEADER, CLIENT, BACKEND, ERROR, SWEEP, NEXT = 0x00, 0x40, 0x60, 0x90, 0xB0, 0xC0, 0xE0
SYN, ACK, SYN_ACK, RST = 0x02, 0x10, 0x12, 0x04
UDP, OTHER_PORT = 4, 8  # bits of a client's number
# struct gw_nat_entry, struct gw_nat_plane
TAIL, SETTINGS, CLIENT_WORD, BACKEND_WORD, PATH, WAY_BACK = 32, 40, 48, 56, 64, 88
PROTOCOL, FAMILY_OF_ENTRY = TAIL + 4, TAIL + 5
OWNER, FAMILY, CHECKSUM = 8, 24, 28


def flips(bits):
    """What is XORed: offset → value."""
    return bytes([len(bits)]) + b"".join(bytes(pair) for pair in bits.items())


def plant(client=0, place=0, word=0, **entry):
    return bytes([PLANT, client, place]) + struct.pack("<Q", word) + flips(entry.get("flip", {}))


def header(plane, seal, bits):
    return bytes([HEADER, plane, seal]) + flips(bits)


def packets(client=0, backend=0):
    """A sweep at once; the client goes on, every backend answers, a router complains; a new connection; all ends."""
    answers = b"".join(bytes([BACKEND, backend + i, flags]) for i in range(8) for flags in (SYN_ACK, ACK))
    return (bytes([SWEEP, 0, 0, 0xFF, CLIENT, client, ACK]) + answers + bytes([ERROR, 6, 28, ERROR, 1, 8, CLIENT, client, SYN])
            + bytes([BACKEND, backend, SYN_ACK, CLIENT, client, ACK, SWEEP, 1, 0, 0, CLIENT, client, ACK, CLIENT, client, RST])
            + bytes([SWEEP, 0xFF, 0xFF, 0xFF]))


def word(backend=0, mark=0, state=0, generation=0, tag=0):
    return tag << 32 | backend << 16 | mark << 15 | state << 13 | generation


def inputs():
    damage = {
        "sound": plant(),
        "marked": plant(word=word(mark=1)),
        "unused backend": plant(word=word(backend=60)),
        "backend behind the last": plant(word=word(backend=9)),
        "no backend": plant(word=word(backend=0xFFFF)),
        "another tag": plant(word=word(tag=1)),
        "claimed": plant(word=word(state=3)),
        "a state that is none": plant(word=word(state=1)),
        "last generation": plant(word=word(generation=0x1FFF)),
        "interface 65535": plant(flip={WAY_BACK: 0xFF, WAY_BACK + 1: 0xFF}),
        "no ethernet header": plant(flip={WAY_BACK + 2: 14}),
        "ethernet header of 31": plant(flip={WAY_BACK + 2: 14 ^ 31}),
        "two tags": plant(flip={WAY_BACK + 2: 14 ^ 22, PATH + 12: 0x81}),
        "another client": plant(flip={0: 1}),
        "rest of an ipv4 address": plant(flip={4: 0xFF, 15: 0xFF}),
        "another protocol": plant(flip={PROTOCOL: 0xFF}),
        "another family": plant(flip={FAMILY_OF_ENTRY: 2}),
        "beyond the tail": plant(flip={TAIL + 6: 1, TAIL + 7: 0xFF}),
        "idle timeout 0": plant(flip={SETTINGS: 350 & 0xFF, SETTINGS + 1: 350 >> 8}),
        "a time ahead": plant(flip={CLIENT_WORD + 3: 0x80, BACKEND_WORD + 2: 1}),
        "seen everything": plant(flip={CLIENT_WORD + 4: 0xFF, BACKEND_WORD + 4: 0xFF, BACKEND_WORD + 7: 0xFF}),
        "never seen": plant(flip={CLIENT_WORD + 4: 9, BACKEND_WORD + 4: 1}),
        "every place the same": b"".join(plant(place=i) for i in range(16)),
        "every place claimed": b"".join(plant(place=i, word=word(state=3)) for i in range(16)),
        "udp": plant(client=UDP) + bytes([BACKEND, 0, 0, CLIENT, UDP, 0]),
        "udp to the other pool": plant(client=UDP | OTHER_PORT) + bytes([BACKEND, 0, 0, CLIENT, UDP | OTHER_PORT, 0]),
    }
    headers = {
        "unsealed owner": header(0, 0, {OWNER: 1}),
        "sealed owner": header(0, 1, {OWNER: 1}),
        "sealed family": header(0, 1, {FAMILY: 2}),
        "family that is none": header(0, 1, {FAMILY: 0x55, FAMILY + 3: 1}),
        "magic": header(0, 1, {0: 1}),
        "checksum": header(0, 0, {CHECKSUM: 1}),
        "two planes of one address": bytes([NEXT, 1, 0]) + header(1, 0, {}) + header(0, 0, {}),
        "bytes behind an ipv4 address": header(0, 1, {OWNER + 8: 1}),
    }
    made = {}
    for world, suffix in ((V4, "ipv4"), (V6, "ipv6"), (KEPT, "kept ipv4"), (KEPT_6, "kept ipv6")):
        few = world in (V6, KEPT_6)
        for name, steps in list(damage.items())[::3 if few else 1]:
            made[f"{suffix} {name}"] = bytes([world]) + steps + packets()
    for name, steps in headers.items():
        made[f"header {name}"] = bytes([V4]) + plant() + steps + bytes([NEXT, 0, 0]) + packets()
    made["grows"] = bytes([V4]) + plant() + bytes([NEXT, 1, 0]) + packets()
    made["cut short"] = bytes([V4]) + plant() + bytes([NEXT, 0, 7]) + packets()
    made["cut within the second plane"] = bytes([V6, NEXT, 1, 0]) + plant() + bytes([NEXT, 0, 9]) + packets()
    return made
