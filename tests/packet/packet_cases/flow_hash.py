# SPDX-License-Identifier: Apache-2.0
"""The flow hash as include/guideway/core/hash.h describes it, in Python: NH of UMAC over words as a
little-endian machine loads them, then two secret multiplications."""

MASK_32 = 0xFFFFFFFF
MASK_64 = 0xFFFFFFFFFFFFFFFF
GOLDEN = 0x9E3779B97F4A7C15

# Hash key of the configuration → what of (ports, destination address) enters.
MASKS = {
    "five_tuple": (0xFFFFFFFF, MASK_32),
    "source": (0, 0),
    "source_port": (0x0000FFFF, 0),
    "source_destination": (0, MASK_32),
}


def spread(value):
    """SplitMix64's finalizer."""
    value ^= value >> 30
    value = value * 0xBF58476D1CE4E5B9 & MASK_64
    value ^= value >> 27
    value = value * 0x94D049BB133111EB & MASK_64
    return value ^ value >> 31


def expand(seed):
    """128-bit seed (bytes) → (12 odd 32-bit keys, 2 odd 64-bit multipliers)."""
    low, high = (int.from_bytes(seed[i:i + 8], "little") for i in (0, 8))
    nh, mix = [], []
    for i in range(14):
        step = (i + 1) * GOLDEN & MASK_64
        value = spread(spread((low + step) & MASK_64) ^ spread(high ^ spread(step)))
        if i < 12:
            nh.append(value >> 32 | 1)
        else:
            mix.append(value | 1)
    return nh, mix


def loaded(data):
    """Bytes of a packet as 32-bit words, loaded by a little-endian machine."""
    return [int.from_bytes(data[i:i + 4], "little") for i in range(0, len(data), 4)]


def service_salt(address, protocol, port):
    """What tells services apart. `address` is 4 or 16 bytes, `protocol` 6 or 17."""
    padded = address.ljust(16, b"\0")
    low, high = (int.from_bytes(padded[i:i + 8], "little") for i in (0, 8))
    family = 4 if len(address) == 4 else 6
    tail = int.from_bytes(port.to_bytes(2, "big"), "little") | protocol << 16 | family << 24
    salt = spread((low + GOLDEN) & MASK_64)
    salt = spread(salt ^ high)
    return spread(salt ^ tail) >> 32


def flow_hash(seed, source, destination, source_port, destination_port, salt, key="five_tuple"):
    """64 bits. Addresses are 4 or 16 bytes."""
    nh, mix = expand(seed)
    ports_mask, destination_mask = MASKS[key]
    ports = loaded(source_port.to_bytes(2, "big") + destination_port.to_bytes(2, "big"))[0] & ports_mask
    from_words = loaded(source)
    to_words = [word & destination_mask for word in loaded(destination)]
    words = [from_words[0], ports, to_words[0], salt]
    if len(source) == 16:
        words += from_words[1:] + to_words[1:]
    h = 0
    for i in range(0, len(words), 2):
        h += (words[i] + nh[i] & MASK_32) * (words[i + 1] + nh[i + 1] & MASK_32)
    h &= MASK_64
    h ^= h >> 32
    h = h * mix[0] & MASK_64
    h ^= h >> 29
    h = h * mix[1] & MASK_64
    return h ^ h >> 32
