# SPDX-License-Identifier: Apache-2.0
"""What several system tests demand."""

import json
import os
import pathlib
import signal

import pytest
from guideway_lab import backends
from guideway_lab.http_load import HttpLoad
from guideway_lab.network import KERNEL_NIC
from guideway_lab.report import comparison_problems, comparison_table, observe
from guideway_lab.shell import LabError, ip_json, wait_until

_REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def mostly_long(values, *short):
    """Parameters: each of the values; those that are not `short` with --long only."""
    return [pytest.param(value, marks=() if value in short else pytest.mark.long) for value in values]


def write_report(name, lines, capsys):
    """Shows figures whatever becomes of the test, and keeps them in build/test-logs/NAME.txt."""
    text = "\n".join(lines)
    with capsys.disabled():
        print(f"\n{text}")
    file = _REPOSITORY / "build" / "test-logs" / f"{name}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text + "\n")
    owner = _REPOSITORY.stat()
    for path in (file.parent.parent, file.parent, file):  # builds belong to the tree's owner
        os.chown(path, owner.st_uid, owner.st_gid)


def settled(lab):
    """Every counter of the lab, once the last packets have arrived: traffic has to have stopped."""
    try:
        return wait_until(lambda: observe(lab).if_packets_agree(), "equal counts", timeout=5)
    except LabError:
        return observe(lab)


def assert_counts_agree(before, after):
    """Packets and connections are the same on both sides, and spread as the slots are."""
    print("\n".join(comparison_table(before, after)))
    assert comparison_problems(before, after) == []


def assert_every_packet_has_an_end(lab):
    """Per row of status, a worker or the program on a CPU: packets in = the sum of their ends."""

    def unequal():
        return [worker for worker in lab.director.status()["workers"] if not adds_up(worker)]

    # A packet between two counters may be caught by the reader; one that stays there may not.
    wait_until(lambda: not unequal(), lambda: f"counters that add up: {unequal()}", timeout=2)


def adds_up(worker):
    ends = ("forwarded", "replied", "to_kernel", "dropped")
    return (
        worker["packets_in"] == sum(worker[end] for end in ends)
        and worker["packets_in"] == sum(worker["reasons"].values())
        and worker["packets_in"] > 0
    )


def dropped(lab):
    """Packets dropped so far, by all workers."""
    return sum(worker["dropped"] for worker in lab.director.status()["workers"])


def attached_program(lab):
    """The id of the XDP program on the director's NIC; None without one."""
    link = ip_json(lab.plan.netns("director"), "-details", "link", "show", "dev", KERNEL_NIC)[0]
    return link.get("xdp", {}).get("prog", {}).get("id")


def vips_on_lo(lab):
    links = ip_json(lab.plan.netns("director"), "address", "show", "dev", "lo")
    return [a["local"] for a in links[0]["addr_info"] if a["local"] == lab.plan.vip]


def pins(lab):
    """Names of what the lab's director has pinned."""
    folder = lab.plan.bpffs / lab.plan.director_name
    return sorted(pin.name for pin in folder.iterdir()) if folder.is_dir() else []


def change_config(lab, old, new):
    text = lab.director.config_file.read_text()
    assert old in text
    lab.director.config_file.write_text(text.replace(old, new))


def error_lines(output):
    """The messages that say what is wrong, without what is only informative."""
    return [message for level, message in map(_level_and_message, output.splitlines()) if level]


def _level_and_message(line):
    """("error", text) for an error line: a JSON log line, or plain text; else (None, line)."""
    try:
        entry = json.loads(line)
        level = entry["level"] if entry["level"] in ("error", "critical") else None
        return level, entry["message"]
    except (ValueError, KeyError, TypeError):
        return ("error" if line.strip() else None), line


def end_director(lab, number=signal.SIGKILL):
    """Ends guidewayd by this signal, wherever it is."""
    process = lab.director.process
    process.signal(number)
    if number == signal.SIGKILL:
        assert process.wait(5) and process.exit_code == -signal.SIGKILL
    else:
        assert process.wait(10)
    lab.stop_director()


def new_connections(lab, requests=300):
    """Sends requests, all of which succeed; returns the connections that each backend got."""
    before = backends.http_counts(lab.plan)
    result = HttpLoad(lab.plan).run(requests)
    assert (result.failed, result.problems) == (0, [])
    after = backends.http_counts(lab.plan)
    return {name: (after[name] - before[name]).connections for name in after}
