# SPDX-License-Identifier: Apache-2.0
"""tools/test: runs the suites one by one; the last line is the sum."""

import argparse
import sys
import time

from . import process, tree
from .results import Case, Counts
from .suites import SUITES, Context, Skips, run_suite


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/test",
        description="Installs what is missing, builds, and runs every suite. "
                    "Logs: build/test-logs/. GUIDEWAY_NO_SETUP=1 installs nothing.",
        epilog="The last line is the sum; the exit code is 0 only if nothing failed. "
               "What cannot run has failed, unless --skip names it.")
    parser.add_argument("suites", nargs="*", metavar="NAME", help="only these suites (see --list)")
    parser.add_argument("--long", action="store_true", help="also the suites that take long; "
                        "longer fuzzing, full counts in the system tests")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME=reason",
                        help="leave out a suite, or one test: suite/test=reason")
    parser.add_argument("--list", action="store_true", help="list the suites and stop")
    options = parser.parse_args(arguments)
    options.skips = {}
    for skip in options.skip:
        name, _, reason = skip.partition("=")
        if not reason.strip():
            parser.error(f"--skip {skip}: a reason is needed: --skip NAME=reason")
        options.skips[name] = reason
    for name in [*options.suites, *(name.partition("/")[0] for name in options.skips)]:
        if name not in SUITES:
            parser.error(f"there is no suite '{name}'; there are: {', '.join(SUITES)}")
    return options


def list_suites():
    for name, suite in SUITES.items():
        notes = [note for note, holds in (("root", suite.needs_root), ("--long", suite.only_long))
                 if holds]
        print(f"{name:12} {suite.what}" + (f" ({', '.join(notes)})" if notes else ""))


def print_problems(suite, cases):
    for case in cases:
        if case.problem:
            first, *rest = case.problem.splitlines()
            print(f"      FAILED {suite}: {case.name}: {first}")
            for line in rest:
                print(f"             {line}")
        elif case.skipped:
            print(f"      skipped {suite}: {case.name}: {case.skipped}")


def run_suites(names, context):
    """[(suite, cases)]; prints as it goes."""
    results = []
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}: {SUITES[name].what}", flush=True)
        started = time.monotonic()
        cases = run_suite(name, context)
        print_problems(name, cases)
        print(f"      {Counts().add(cases)}, {time.monotonic() - started:.0f} s", flush=True)
        results.append((name, cases))
    return results


def print_summary(results):
    """Repeats what failed, so that it stands above the last line."""
    counts = Counts()
    for suite, cases in results:
        counts.add(cases)
        for case in cases:
            if case.problem:
                print(f"FAILED {suite}: {case.name}")
    if counts.failed:
        print(f"logs: {process.LOGS.relative_to(tree.ROOT)}/")
    print(counts)
    return counts


def main(arguments):
    options = parse_arguments(arguments)
    if options.list:
        list_suites()
        return 0
    names = options.suites or [name for name, suite in SUITES.items()
                               if options.long or not suite.only_long]
    context = Context(options.long, Skips(options.skips))
    started = time.monotonic()
    results = run_suites(names, context)
    unused = [name for name in context.skips.unused() if name.partition("/")[0] in names]
    results.append(("--skip", [Case(name, "nothing is called so") for name in unused]))
    print(f"took {time.monotonic() - started:.0f} s")
    return 1 if print_summary(results).failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
