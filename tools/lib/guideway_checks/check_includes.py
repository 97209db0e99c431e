# SPDX-License-Identifier: Apache-2.0
"""Include direction: which module may know which. docs/architecture.md has the picture."""

import re

from . import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# Module → the modules that it may include, besides itself, the core and base.
MAY_INCLUDE = {
    "core": set(),
    "base": set(),
    "events": set(),
    "bpf": set(),
    "model": set(),
    "config": {"model"},
    "health": {"model"},
    "compile": {"model", "health"},
    "netlink": {"compile"},
    "datapath": {"model", "compile", "bpf"},
    "control": {"events", "model", "config", "health", "compile", "netlink", "datapath"},
    "admin": {"events", "model", "config", "health", "compile", "datapath", "control"},
    "metrics": {"model", "datapath", "compile", "health", "control"},
    "cli": {"admin", "config", "datapath"},
    "decap": {"bpf"},
    "app": {"events", "model", "config", "health", "compile", "netlink", "datapath", "control", "admin",
            "metrics"},
}
# Who may know which datapath, beside itself and the program's main: "afxdp" is made of the two
# others, and the operator's tool reads the pins of a director that does not run.
MAY_KNOW_DATAPATH = {
    "datapath/afxdp": {"datapath/dpdk", "datapath/xdp"},
    "cli": {"datapath/xdp"},
}
# ways_sse2.h, which workers alone include, has the last.
CORE_SYSTEM_HEADERS = {"stdint.h", "stddef.h", "emmintrin.h"}
# Library → the folders (below src/ or include/guideway/) that may know it.
LIBRARY_FOLDERS = [
    (re.compile(r"rte_\w+\.h$"), ("datapath/dpdk",), "DPDK"),
    (re.compile(r"(bpf|xdp)/"), ("bpf", "datapath/xdp", "decap"), "libbpf and libxdp"),
    (re.compile(r"(netlink|linux/(rt)?netlink)\b"), ("netlink", "datapath/dpdk"), "netlink"),
    (re.compile(r"toml\+\+"), ("config",), "toml++"),
    (re.compile(r"prometheus/"), ("metrics",), "prometheus-cpp"),
]


def problems():
    found = []
    for path in tree.cxx_files():
        module, folder = module_of(path)
        if not module:
            continue
        for match in INCLUDE.finditer(tree.text(path)):
            line = tree.text(path).count("\n", 0, match.start(2)) + 1
            problem = problem_of(module, folder, match.group(1) == "<", match.group(2))
            if problem:
                found.append(f"{path}:{line}: {problem}")
    return found


def module_of(path):
    """("compile", "compile/…") for a file of include/guideway/compile or src/compile, else ""."""
    parts = path.parts[2:] if path.parts[0] == "include" else path.parts[1:]
    if path.parts[0] not in ("include", "src") or len(parts) < 2:
        return "", ""
    return parts[0], "/".join(parts[:-1])


def problem_of(module, folder, is_system, included):
    if module not in MAY_INCLUDE:
        return f"module {module} is not in MAY_INCLUDE of tools/lib/guideway_checks/check_includes.py"
    if included.startswith("guideway/"):
        return module_problem(module, folder, included.split("/")[1:])
    if module == "core" and included not in CORE_SYSTEM_HEADERS and not included.startswith("linux/"):
        return f"the core includes only stdint.h, stddef.h, emmintrin.h, linux/ and itself, not {included}"
    for pattern, folders, library in LIBRARY_FOLDERS:
        if is_system and pattern.match(included) and not folder.startswith(folders):
            return f"only {' and '.join(folders)} may include {library}'s {included}"
    return ""


def module_problem(module, folder, included):
    other = included[0]
    if other != module and other not in MAY_INCLUDE[module] | allowed_everywhere(module):
        return f"{module} may not include {other} (guideway/{'/'.join(included)})"
    # One datapath does not know the other, and only the program's main knows which there are.
    concrete = "/".join(included[:2]) if other == "datapath" and len(included) > 2 else ""
    known = MAY_KNOW_DATAPATH.get(folder, set())
    if concrete and module != "app" and not folder.startswith(concrete) and concrete not in known:
        return f"{folder} may not include {concrete}; guideway/datapath/datapath.h is the interface"
    return ""


def allowed_everywhere(module):
    return set() if module in ("core", "base") else {"core", "base"}
