#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the first inputs of the fuzz targets: parse and pipeline out of the packet cases, kept_flows
and kept_nat out of kept_flows_corpus.py and kept_nat_corpus.py. What a fuzzer found later stands beside them, under another name, and stays."""

import json
import pathlib
import re

import kept_flows_corpus
import kept_nat_corpus

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "packet" / "cases"
MAX_BYTES = 700

# Topic → one case in how many is enough.
PARSE = {"ipv4": 2, "ipv6": 2, "vlan": 20, "layer4": 4, "not_ours": 1, "truncation": 20, "echo": 3,
         "icmp_sent": 4, "icmp_passed": 3, "toa": 11, "hostile": 3}
PIPELINE = {"modes": 6, "vlan": 20, "ipv6": 9, "flows": 3, "resets": 3, "backends": 20, "hash_keys": 5, "echo": 9,
            "icmp_sent": 9, "icmp_passed": 5, "hostile": 6, "nat": 2,
            "icmp_nat": 8, "nat_kept": 6, "toa": 9}
# In the order of twins_of() in pipeline_fuzz.cpp.
WORLDS = ("l2dsr", "ipip", "vxlan", "vxlan over IPv6 by source", "gre", "gue")
VXLAN_6_BY_SOURCE = 3
NAT, NAT_6, KEPT, KEPT_6, TOA, TOA_6 = range(6, 12)
HEADROOM = 128
PACKET, ANSWER, ERROR, ANSWER_ERROR, SECONDS, MARK = 0x00, 0xEC, 0xEE, 0xEF, 0xF0, 0xF4


def cases_of(topic):
    cases = json.loads((CASES / f"{topic}.json").read_text())["cases"]
    return [{**case, "topic": topic} for case in cases]


def slug(text):
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60]


def packet_step(hex_text):
    data = bytes.fromhex(hex_text)
    return bytes([PACKET]) + len(data).to_bytes(2, "little") + data


def world_of(case):
    """The number of the world in pipeline_fuzz.cpp that is most like the case's."""
    name = case["world"]
    if case["topic"] in ("nat", "icmp_nat"):
        return NAT_6 if "IPv6" in case["name"] else NAT
    if case["topic"] == "nat_kept":
        return KEPT_6 if "IPv6" in case["name"] else KEPT
    if case["topic"] == "toa":
        return TOA_6 if "IPv6" in case["name"] or "6" in name else TOA
    if "source" in name or ("vxlan" in name and "outer6" in name):
        return VXLAN_6_BY_SOURCE
    return next((i for i, mode in enumerate(WORLDS) if mode in name), 0)


def program(case):
    """The case as an input of pipeline_fuzz."""
    world = world_of(case)
    steps = bytes([world, HEADROOM])
    for step in case["before"]:
        if "packet" in step:
            steps += packet_step(step["packet"])
            if case["topic"] in ("nat", "nat_kept", "toa"):
                steps += bytes([ANSWER, 0x12])
            if case["topic"] == "icmp_nat":  # the ports in the packets are of another world
                quoted = len(case["packet"]) // 2 % 29
                steps += bytes([ERROR, len(steps) % 256, quoted, ANSWER, 0x12, ANSWER_ERROR, len(steps) % 251, quoted])
        elif "age_s" in step:
            steps += bytes([SECONDS, step["age_s"] % 256])
        elif "mark" in step:
            steps += b"".join(bytes([MARK, backend]) for backend in range(8))
    steps += packet_step(case["packet"])
    if case["topic"] == "toa":  # a router says so, the backend speaks, and the client once more
        steps += bytes([ERROR, 6, 28, ANSWER, 0x10]) + packet_step(case["packet"])
    return steps


def empty_folder(target):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("case-*"):
        path.unlink()
    return folder


def write(target, topics, convert):
    folder = empty_folder(target)
    seen = set()
    for topic, step in topics.items():
        for case in cases_of(topic)[::step]:
            data = convert(case)
            if len(data) <= MAX_BYTES and data not in seen:
                seen.add(data)
                (folder / f"case-{topic}-{slug(case['name'])}").write_bytes(data)
    print(f"{target}: {len(seen)} inputs")


def write_made(target, inputs):
    folder = empty_folder(target)
    for name, data in inputs.items():
        (folder / f"case-{slug(name)}").write_bytes(data)
    print(f"{target}: {len(inputs)} inputs")


write("parse", PARSE, lambda case: bytes.fromhex(case["packet"]))
write("pipeline", PIPELINE, program)
write_made("kept_flows", kept_flows_corpus.inputs())
write_made("kept_nat", kept_nat_corpus.inputs())
