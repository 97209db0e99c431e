# SPDX-License-Identifier: Apache-2.0
"""Which files there are: tracked ones, and new ones that git does not ignore."""

import functools
import os
import pathlib
import pwd
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
CXX_SUFFIXES = (".h", ".c", ".cpp")


def owner():
    """Under sudo, the password entry of its caller if the tree is theirs; else None.

    What is built or logged must be theirs too: the next run may be without sudo.
    """
    user = os.environ.get("SUDO_UID")
    if os.geteuid() != 0 or not user or ROOT.stat().st_uid != int(user):
        return None
    return pwd.getpwuid(int(user))


def make_folder(path):
    """Makes a folder of ROOT and its parents, for the owner."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    entry = owner()
    if entry:
        os.chown(path, entry.pw_uid, entry.pw_gid)


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
    """Public headers and modules' private ones, each of which has to compile alone."""
    return [path for path in files() if path.suffix == ".h" and path.parts[0] in ("include", "src")]


def name_of_header(path):
    """As it is included: "guideway/base/result.h", "build.h"."""
    return "/".join(path.parts[1:]) if path.parts[0] == "include" else path.name


def module_path(path):
    """Its place in the modules: ("control", "build.h") for src/control/build.h."""
    return path.parts[2:] if path.parts[0] == "include" else path.parts[1:]


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
