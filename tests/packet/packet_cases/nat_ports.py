# SPDX-License-Identifier: Apache-2.0
"""Which port a NAT flow gets in an empty table, as include/guideway/core/nat_table.h describes it: a hash of
the flow chooses one of the pool's addresses, a bucket of eight ports, and one of these."""

from .flow_hash import MASK_32, MASK_64, expand, loaded

FIRST_PORT = 1024
BUCKETS = 8064


def nat_hash(seed, client, vip, ports, protocol):
    """64 bits. `client`, `vip`: 4 or 16 bytes; `ports`: (client's, service's); `protocol`: 6 or 17."""
    nh, mix = expand(seed)
    c = loaded(client.ljust(16, b"\0"))
    v = loaded(vip.ljust(16, b"\0"))
    both = int.from_bytes(b"".join(port.to_bytes(2, "big") for port in ports), "little")
    family = 4 if len(client) == 4 else 6
    pairs = ((c[0], 10, both, 11), (c[1], 8, c[2], 9), (c[3], 6, protocol | family << 8, 7),
             (v[0], 4, v[1], 5), (v[2], 2, v[3], 3))
    h = sum((a + nh[i] & MASK_32) * (b + nh[j] & MASK_32) for a, i, b, j in pairs) & MASK_64
    h ^= h >> 32
    h = h * mix[0] & MASK_64
    h ^= h >> 29
    h = h * mix[1] & MASK_64
    return h ^ h >> 32


def scaled(value, size):
    return (value & MASK_32) * size >> 32


def first_place(hash_, addresses):
    """(address, port) of the first flow in an empty table. `addresses`: the pool's, of the client's family."""
    return (addresses[scaled(hash_ >> 16, len(addresses))],
            FIRST_PORT + 8 * scaled(hash_, BUCKETS) + (hash_ >> 61))
