# SPDX-License-Identifier: Apache-2.0
"""The cases, one module a file. Each has a docstring and make(topic)."""

import importlib

from ..files import Topic

NAMES = ("modes", "vlan", "ipv4", "ipv6", "layer4", "truncation", "not_ours", "services", "hash_keys", "mtu",
         "backends", "flows", "resets", "schedulers", "nat", "echo", "icmp_sent", "icmp_passed", "icmp_nat",
         "nat_kept", "mss", "toa", "hostile", "fragments")


def all_topics():
    topics = []
    for name in NAMES:
        topic = Topic(name)
        importlib.import_module(f"{__name__}.{name}").make(topic)
        topics.append(topic)
    return topics
