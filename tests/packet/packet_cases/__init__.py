# SPDX-License-Identifier: Apache-2.0
"""The packet oracle: what Guideway must do with a packet, worked out with scapy and without any of its code.

    flow_hash.py  the keyed hash, from its description in hash.h   worlds.py   configurations
    expected.py   the bytes and counters that must come out        packets.py  the packets that go in
    topics/       the cases, one module a file in ../cases         files.py    reading and writing those
"""
