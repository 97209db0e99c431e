# SPDX-License-Identifier: Apache-2.0
"""Two frames compared field by field, in the words of scapy."""

import itertools

from scapy.all import Ether


def fields_of(frame):
    """[(layer, field, value as text)], raw and padding bytes included."""
    result = []
    packet = Ether(frame)
    while packet:
        for field in packet.fields_desc:
            result.append((packet.name, field.name, field.i2repr(packet, packet.getfieldval(field.name))))
        packet = packet.payload
    return result


def differences(expected, got):
    """Lines for people; at least one if the frames differ."""
    lines = []
    if len(expected) != len(got):
        lines.append(f"length: expected {len(expected)}, got {len(got)}")
    for ours, theirs in itertools.zip_longest(fields_of(expected), fields_of(got)):
        if ours is None or theirs is None or ours[:2] != theirs[:2]:
            lines.append(f"from here on another structure: expected {ours}, got {theirs}")
            break
        if ours[2] != theirs[2]:
            lines.append(f"{ours[0]}.{ours[1]}: expected {ours[2]}, got {theirs[2]}")
    if not lines and expected != got:
        offset = next(i for i, pair in enumerate(zip(expected, got)) if pair[0] != pair[1])
        lines.append(f"byte {offset}: expected {expected[offset]:02x}, got {got[offset]:02x}")
    return lines or ["no difference"]
