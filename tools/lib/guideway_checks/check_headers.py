# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, twice in one file; those of the core also as C11 and for BPF.

A header that its own source file includes first is nearly always right: the first file of a module is
compiled like that by every build. The others take minutes, and are a check of their own."""

import functools
import pathlib
import re
import subprocess

from . import process, tree

# As meson.build has them.
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wno-missing-field-initializers"]
CXX = ["g++", "-std=c++20", "-x", "c++", *WARNINGS, "-Wshadow"]
C11 = ["gcc", "-std=c11", "-x", "c", *WARNINGS]
# As bpf/meson.build has them.
BPF = ["clang-14", "-target", "bpf", "-std=gnu11", "-O2", "-ffreestanding", "-x", "c", "-Ibpf",
       "-idirafter", "/usr/include/x86_64-linux-gnu", "-Wall", "-Wextra", "-Werror"]
# The core's tables and words stand alone; its stages are read after a port header.
PORT = "guideway/core/port_native.h"
PORT_BPF = "port_bpf.h"
WORKER_ONLY = {"port_native.h", "balance_burst.h", "ways_sse2.h"}
# Modules whose headers show a library.
LIBRARIES = {"datapath": "libdpdk", "netlink": "libnl-route-3.0"}
BEFORE_THE_PORT = {"types.h", "reasons.h", "layout.h", "work.h", "port_native.h", "ways_sse2.h"}


def problems():
    """Of the headers that no source file includes first."""
    return problems_of(path for path in tree.headers() if not built_alone(path))


def other_problems():
    return problems_of(path for path in tree.headers() if built_alone(path))


def problems_of(headers):
    jobs = [(path, compiler) for path in headers for compiler in compilers(path)]
    return [problem for problem in process.in_parallel(lambda job: compile_alone(*job), jobs)
            if problem]


def compilers(path):
    if is_core(path):
        return [CXX, C11] if path.name in WORKER_ONLY else [CXX, C11, BPF]
    library = LIBRARIES.get(tree.module_path(path)[0])
    own_folder = [f"-I{path.parent}"] if path.parts[0] == "src" else []
    return [CXX + own_folder + (system_flags(library) if library else [])]


def built_alone(path):
    """Whether src/<module>/<name>.cpp includes the header <name>.h first."""
    if is_core(path):
        return False
    name = tree.name_of_header(path)
    source = pathlib.PurePosixPath("src", *tree.module_path(path)).with_suffix(".cpp")
    if source not in tree.files():
        return False
    first = re.search(r'^#include +["<]([^">]+)', tree.text(source), re.MULTILINE)
    return first is not None and first.group(1) == name


def is_core(path):
    return path.parts[:3] == ("include", "guideway", "core")


@functools.lru_cache(maxsize=None)
def system_flags(library):
    """A library's compiler flags; its headers' own warnings are not ours."""
    flags = process.capture(["pkg-config", "--cflags", library])[1].split()
    return [flag.replace("-I", "-isystem") if flag.startswith("-I") else flag for flag in flags]


def compile_alone(path, compiler):
    name = tree.name_of_header(path)
    needs_port = is_core(path) and path.name not in BEFORE_THE_PORT
    port = PORT_BPF if compiler is BPF else PORT
    lines = ([port] if needs_port else []) + [name, name]
    source = "".join(f'#include "{line}"\n' for line in lines)
    done = subprocess.run([*compiler, "-fsyntax-only", "-D_GNU_SOURCE", "-Iinclude", "-"], input=source,
                          cwd=tree.ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    how = "for BPF" if compiler is BPF else "as C11" if compiler is C11 else "alone"
    return f"{path}: does not compile {how}\n{head(done.stderr)}"


def head(text):
    """The first lines: the rest follows from them."""
    return "\n".join(text.strip().splitlines()[:12])
