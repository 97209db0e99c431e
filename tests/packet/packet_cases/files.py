# SPDX-License-Identifier: Apache-2.0
"""Case files: JSON made for reading and for diffs, one line a fact."""

import json

from scapy.all import Ether

NOTE = "Made by tests/packet/oracle.py: change the topic in packet_cases/topics and run it again."


class Topic:
    """The cases of one file, and the worlds that they use."""

    def __init__(self, name):
        self.name = name
        self.worlds = {}
        self.cases = []

    def case(self, name, world, packet, expect, before=()):
        """`before`: steps, made by packet_step() and friends."""
        for used in (world, *(step["world"] for step in before if "world" in step)):
            if self.worlds.setdefault(used.name, used) is not used:
                raise ValueError(f"{self.name}: two worlds are called {used.name}")
        if any(case["name"] == name for case in self.cases):
            raise ValueError(f"{self.name}: two cases are called {name}")
        steps = [{**step, "world": step["world"].name} if "world" in step else step for step in before]
        self.cases.append({"name": name, "world": world.name, "before": steps,
                           "shows": Ether(packet).summary() if len(packet) >= 14 else f"{len(packet)} bytes",
                           "packet": packet.hex(), "expect": expect})

    def text(self):
        cases = ",\n".join("    {\n" + lines_of(case, 6) + "\n    }" for case in self.cases)
        worlds = ",\n".join(f"    {json.dumps(name)}: {{\n" + world_lines(world) + "\n    }"
                            for name, world in self.worlds.items())
        return (f'{{\n  "note": {json.dumps(NOTE)},\n  "worlds": {{\n{worlds}\n  }},\n'
                f'  "cases": [\n{cases}\n  ]\n}}\n')


def lines_of(values, indent):
    return ",\n".join(f"{' ' * indent}{json.dumps(key)}: {one_line(key, value, indent)}"
                      for key, value in values.items())


def one_line(key, value, indent):
    """What is expected gets a line a fact, everything else one line."""
    if key in ("expect", "workers"):
        return "{\n" + lines_of(value, indent + 2) + "\n" + " " * indent + "}"
    return json.dumps(value, ensure_ascii=False)


def world_lines(world):
    data = world.to_json()
    config = ",\n".join(" " * 8 + json.dumps(line) for line in data["config"])
    next_hops = ",\n".join(f"{' ' * 8}{json.dumps(address)}: {json.dumps(hop)}"
                           for address, hop in data["next_hops"].items())
    return f'      "config": [\n{config}\n      ],\n      "next_hops": {{\n{next_hops}\n      }}'


def packet_step(packet):
    """A packet goes in first; it must be forwarded or answered."""
    return {"packet": packet.hex()}


def world_step(world):
    """The configuration, or what the kernel says, changes."""
    return {"world": world}


def age_step(seconds):
    """Time passes: every flow entry is older by that."""
    return {"age_s": seconds}


def mark_step(backend):
    """The sweep marks the flows of a backend for a reset."""
    return {"mark": backend}
