# SPDX-License-Identifier: Apache-2.0
"""This tree against another commit: both builds take turns in one run, and pairs are compared.

A pair is one run of either, next to each other in time, in changing order: what disturbs the machine for
longer than that disturbs both. The figure is the median of the pairs' differences with its 95 % interval.
"""

import json
import shutil
import subprocess
import sys

from . import build

PAIRS = 20
QUICK_PAIRS = 3
# Small and large, and a row of new flows; a pair takes seconds.
ROWS = {"core": ["--flows", "1000", "100000", "1000000", "--rounds", "3", "--packets", "300000"],
        "xdp": ["--flows", "1000", "100000", "1000000", "--rounds", "2", "--packets", "200000"]}
QUICK_ROWS = {"core": ["--flows", "1000", "--skip-new", "--rounds", "2", "--packets", "20000"],
              "xdp": ["--flows", "1000", "--skip-new", "--rounds", "2", "--packets", "20000"]}
UNITS = {"core": "cycles_per_packet", "xdp": "ns_per_packet"}


def build_of(commit):
    """The benchmarks of a commit, built below build/against."""
    git = ["git", "-c", f"safe.directory={build.ROOT}", "-C", str(build.ROOT)]
    done = subprocess.run([*git, "rev-parse", "--verify", "--short=12", f"{commit}^{{commit}}"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise build.Failed(f"--against {commit}: no such commit here")
    name = done.stdout.strip()
    source = build.ROOT / "build" / "against" / name
    if not source.exists():
        _check_out(git, name, source)
    return build.Build(source=source, folder=source / "build" / "bench"), name


def _check_out(git, commit, source):
    """Under its name only once it is whole."""
    unfinished = source.with_name(f"{source.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    build.run_step([*git, "clone", "--quiet", "--shared", build.ROOT, unfinished])
    build.run_step(["git", "-C", unfinished, "checkout", "--quiet", commit])
    unfinished.replace(source)


def run(which, program, against, options):
    """Prints a row for each case; returns an exit code."""
    old_build, old_name = build_of(against)
    old = old_build.make([f"tests/bench/{which}_bench"])[0]
    rows = (QUICK_ROWS if options.quick else ROWS)[which]
    arguments = [*rows, *options.extra]
    pairs = options.rounds or (QUICK_PAIRS if options.quick else PAIRS)
    found = {}
    for number in range(pairs):
        in_turn = [("old", old), ("new", program)]
        for side, path in in_turn if number % 2 == 0 else reversed(in_turn):
            for case, figure in figures(which, path, arguments):
                found.setdefault(case, {"old": [], "new": []})[side].append(figure)
        print(f"bench: pair {number + 1} of {pairs}", file=sys.stderr, flush=True)
    show(which, old_name, found, options.output)
    return 0


def figures(which, program, arguments):
    """(case, figure) of one run of a benchmark program."""
    done = subprocess.run([str(program), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise build.Failed(f"{program} failed with exit code {done.returncode}")
    for line in done.stdout.splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        if row.get("program", "guideway") != "guideway" or UNITS[which] not in row:
            continue
        flows = "new" if row.get("traffic") == "new" else row["flows"]
        yield (row.get("family", 4), flows), row[UNITS[which]]


def show(which, old_name, found, output):
    pairs = max(len(sides["new"]) for sides in found.values())
    header = ["", f"{UNITS[which].replace('_', ' ')}: this tree against {old_name}, {pairs} pairs; "
              "medians, and the 95 % interval of the median difference",
              f"{'family':>6}  {'flows':>9}  {'before':>8}  {'after':>8}  {'difference':>10}  interval"]
    for (family, flows), sides in found.items():
        differences = sorted(new - old for old, new in zip(sides["old"], sides["new"]))
        low, high = interval(differences)
        row = {"bench": f"{which}-against", "against": old_name, "family": family, "flows": flows,
               "before": median(sides["old"]), "after": median(sides["new"]),
               "difference": median(differences), "low": low, "high": high,
               "pairs": len(differences)}
        output.row(f"{which}-against", row, [
            *header, f"{family:>6}  {flows:>9}  {row['before']:>8.1f}  {row['after']:>8.1f}  "
            f"{row['difference']:>+10.1f}  {low:+.1f} to {high:+.1f}"])
        header = []


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def interval(ordered):
    """The order statistics that enclose the median with at least 95 %, by the binomial distribution; the
    lowest and the highest value where there are too few."""
    count = len(ordered)
    outside = 0.0
    rank = 0
    term = 0.5**count
    while rank < count // 2 and outside + term <= 0.025:
        outside += term
        term *= (count - rank) / (rank + 1)
        rank += 1
    rank = max(rank - 1, 0)
    return ordered[rank], ordered[count - 1 - rank]
