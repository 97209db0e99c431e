# SPDX-License-Identifier: Apache-2.0
"""Which files there are: tracked ones, and new ones that git does not ignore."""

import functools
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
CXX_SUFFIXES = (".h", ".c", ".cpp")


@functools.lru_cache(maxsize=None)
def files():
    """Paths relative to ROOT, sorted."""
    listing = subprocess.run(
        # The tree may belong to somebody else, for example under sudo.
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others",
         "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True)
    paths = {pathlib.PurePosixPath(name) for name in listing.stdout.split("\0") if name}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file()))


def cxx_files():
    return [path for path in files() if path.suffix in CXX_SUFFIXES]


def headers():
    """Public headers, each of which has to compile alone."""
    return [path for path in files() if path.suffix == ".h" and path.parts[0] == "include"]


@functools.lru_cache(maxsize=None)
def text(path):
    """Contents of a text file; bytes that are not UTF-8 become U+FFFD."""
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def interpreter(path):
    """The program in a script's first line: "sh", "python3" …, or ""."""
    if path.suffix:
        return {".sh": "sh", ".py": "python3"}.get(path.suffix, "")
    first = (ROOT / path).open("rb").readline()
    if not first.startswith(b"#!"):
        return ""
    words = first[2:].decode(errors="replace").split()
    program = words[1] if words[0].endswith("/env") else words[0]
    return pathlib.PurePosixPath(program).name
