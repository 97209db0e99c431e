#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the packet cases, independently of Guideway's code.

    oracle.py                 write cases/*.json anew
    oracle.py --check         compare them with what would be written; exit code 1 if they differ
    oracle.py --diff A B      field by field, what differs between two frames given in hex
"""

import argparse
import logging
import pathlib
import sys

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
sys.dont_write_bytecode = True

from packet_cases import topics  # noqa: E402
from packet_cases.differences import differences  # noqa: E402

CASES = pathlib.Path(__file__).resolve().parent / "cases"


def write():
    for topic in topics.all_topics():
        (CASES / f"{topic.name}.json").write_text(topic.text())
        print(f"{topic.name}.json: {len(topic.cases)} cases")


def check():
    """Returns the exit code."""
    wanted = {f"{topic.name}.json": topic.text() for topic in topics.all_topics()}
    present = {path.name: path.read_text() for path in CASES.glob("*.json")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    for name in stale:
        print(f"{name} is not what oracle.py makes: run tests/packet/oracle.py and look at the difference")
    return 1 if stale else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--diff", nargs=2, metavar=("EXPECTED", "GOT"))
    arguments = parser.parse_args()
    if arguments.diff:
        print("\n".join(differences(*(bytes.fromhex(text) for text in arguments.diff))))
        return 0
    if arguments.check:
        return check()
    write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
