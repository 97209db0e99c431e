# SPDX-License-Identifier: Apache-2.0
"""tools/lint: the list of checks. A check is a function that returns a list of problems."""

import argparse
import sys
import time

from . import check_format, check_headers, check_includes, check_texts, check_tidy, selftest

CHECKS = {
    "format": check_format.problems,
    "headers": check_headers.problems,
    "other-headers": check_headers.other_problems,
    "includes": check_includes.problems,
    "licences": check_texts.licence_problems,
    "openings": check_texts.header_problems,
    "words": check_texts.private_problems,
    "scripts": check_texts.script_problems,
    "tools": selftest.problems,
    "clang-tidy": check_tidy.problems,
}


def main(arguments):
    parser = argparse.ArgumentParser(prog="tools/lint",
                                     description="Checks what a compiler and a test do not.")
    parser.add_argument("checks", nargs="*", metavar="NAME", help=f"only these: {', '.join(CHECKS)}")
    parser.add_argument("--fix", action="store_true", help="format the files, then check")
    options = parser.parse_args(arguments)
    for name in options.checks:
        if name not in CHECKS:
            parser.error(f"there is no check '{name}'; there are: {', '.join(CHECKS)}")
    if options.fix:
        print("\n".join(check_format.fix()), end="")
    failed = 0
    for name in options.checks or CHECKS:
        started = time.monotonic()
        problems = CHECKS[name]()
        failed += bool(problems)
        for problem in problems:
            print(problem)
        verdict = f"{len(problems)} problems" if problems else "ok"
        print(f"{name}: {verdict}, {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
