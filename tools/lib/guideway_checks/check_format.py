# SPDX-License-Identifier: Apache-2.0
"""clang-format over every C and C++ file."""

import re

from . import process, tree


def problems():
    code, output = process.capture(["clang-format-14", "--dry-run", "-Werror",
                                    *map(str, tree.cxx_files())])
    if code == 0:
        return []
    found = sorted(set(re.findall(r"^([^\s:]+):\d+:\d+: error", output, re.MULTILINE)))
    return [f"{path}: not formatted; run tools/lint --fix" for path in found] or [output]


def fix():
    code, output = process.capture(["clang-format-14", "-i", *map(str, tree.cxx_files())])
    return [] if code == 0 else [output]
