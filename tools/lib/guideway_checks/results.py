# SPDX-License-Identifier: Apache-2.0
"""What one test came to."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """One test. Passed, unless it has a problem (failed) or a reason (skipped)."""

    name: str
    problem: str = ""
    skipped: str = ""


@dataclasses.dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, cases):
        for case in cases:
            if case.problem:
                self.failed += 1
            elif case.skipped:
                self.skipped += 1
            else:
                self.passed += 1
        return self

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def tail(text, lines=40):
    """The last lines of an output, for a person who looks for what went wrong."""
    kept = text.rstrip().splitlines()[-lines:]
    return "\n".join(kept)
