# SPDX-License-Identifier: Apache-2.0
"""clang-tidy over src/, except for the folder whose library chokes it."""

import json
import re

from . import process, tree
from .meson import Build, BuildFailed

# DPDK's headers alone cost 10 s and a hundred findings a file; the fuzzers and sanitizers look there.
LEFT_OUT = ("src/datapath/dpdk/",)
# Said of gcc's command lines, not of our code.
NOISE = re.compile(r"^\d+ warnings? (generated|treated)|^Suppressed |^Use -header-filter")


def problems():
    build = Build("lint", ["-Dbuildtype=debug", "-Dtests=false"])
    try:
        build.configure()
        made = generated(build)
        if made:
            build.compile(made)
    except BuildFailed as failure:
        return [str(failure)]
    database = json.loads((build.folder / "compile_commands.json").read_text())
    found = process.in_parallel(lambda path: tidy(build, path), sources(build, database))
    return [output for output in found if output]


def generated(build):
    """Headers that the build makes, without which sources do not parse."""
    return [name for target in build.introspect("targets") if target["type"] == "custom"
            for name in target["filename"] if name.endswith(".h")]


def sources(build, database):
    """The files to look at, longest first, so that both cores are busy to the end."""
    paths = {(build.folder / entry["file"]).resolve() for entry in database}
    relative = [path.relative_to(tree.ROOT) for path in paths if path.is_relative_to(tree.ROOT)]
    wanted = [path for path in relative
              if path.parts[0] == "src" and not str(path).startswith(LEFT_OUT)]
    return sorted(wanted, key=lambda path: -(tree.ROOT / path).stat().st_size)


def tidy(build, path):
    """What clang-tidy says about a file, or ""."""
    code, output = process.capture(
        ["clang-tidy-14", "--quiet", "-p", build.folder, "--warnings-as-errors=*",
         "--extra-arg=-w", str(path)])  # compilers' warnings are the builds' matter
    if code == 0:
        return ""
    return "\n".join(line for line in output.splitlines() if not NOISE.match(line))
