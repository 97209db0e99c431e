# SPDX-License-Identifier: Apache-2.0
"""Which port a NAT flow gets in an empty table, as include/guideway/core/nat_table.h describes it: a hash of
the client's address, port and protocol chooses one of the pool's addresses and a bucket of eight ports."""

from .flow_hash import MASK_32, MASK_64, expand, loaded

FIRST_PORT = 1024
BUCKETS = 8064


def nat_hash(seed, client, client_port, protocol):
    """64 bits. `client` is 4 or 16 bytes, `protocol` 6 or 17."""
    nh, mix = expand(seed)
    words = loaded(client.ljust(16, b"\0"))
    tail = int.from_bytes(client_port.to_bytes(2, "big"), "little") | protocol << 16
    family = 4 if len(client) == 4 else 6
    pairs = ((words[0], 10, tail, 11), (words[1], 8, words[2], 9), (words[3], 6, family, 7))
    h = sum((a + nh[i] & MASK_32) * (b + nh[j] & MASK_32) for a, i, b, j in pairs) & MASK_64
    h ^= h >> 32
    h = h * mix[0] & MASK_64
    h ^= h >> 29
    h = h * mix[1] & MASK_64
    return h ^ h >> 32


def scaled(value, size):
    return (value & MASK_32) * size >> 32


def first_place(seed, client, client_port, protocol, addresses):
    """(address, port) of the first flow in an empty table. `addresses`: the pool's, of the client's family."""
    h = nat_hash(seed, client, client_port, protocol)
    return addresses[scaled(h >> 16, len(addresses))], FIRST_PORT + 8 * scaled(h, BUCKETS)
