# SPDX-License-Identifier: Apache-2.0
"""pytest → cases, as root."""

import xml.etree.ElementTree

from . import process
from .meson import DAEMON_ENV
from .results import Case, tail


def names(folder, build):
    """What a folder's tests are called: files, functions, and these with parameters."""
    command = ["/usr/bin/python3", "-m", "pytest", "--collect-only", "-q", "-p",
               "no:cacheprovider", folder]
    done = process.run(command, "system-names", 60, {"GUIDEWAY_BUILD": str(build.folder)},
                       as_root=True)
    return names_in(folder, done.output)


def names_in(folder, output):
    """As names(), from what pytest --collect-only -q prints."""
    found = set()
    for line in output.splitlines():
        file, is_test, test = line.removeprefix(f"{folder}/").partition("::")
        if is_test and line.startswith(f"{folder}/"):
            found |= {file, f"{file}::{test}", f"{file}::{test.partition('[')[0]}"}
    return found


def run(folder, build, limit_s, is_long, deselected, log="system"):
    """Runs pytest over a folder, or some of its tests, against a build; `deselected` are names
    "file.py::test"."""
    results = process.LOGS / f"{log}.xml"
    results.unlink(missing_ok=True)
    # Debian's python3: it has scapy and pytest.
    command = ["/usr/bin/python3", "-m", "pytest", "-v", "-p", "no:cacheprovider",
               f"--junit-xml={results}", folder]
    command += ["--long"] if is_long else []
    command += [f"--deselect={folder}/{name}" for name in deselected]
    done = process.run(command, log, limit_s,
                       {"GUIDEWAY_BUILD": str(build.folder), **DAEMON_ENV}, as_root=True)
    cases = cases_of_junit(results) if results.exists() else []
    if not done.ok and not any(case.problem for case in cases):
        cases.append(Case("pytest", f"{done.why()}\n{tail(done.output)}"))
    return cases


def cases_of_junit(path):
    cases = []
    for test in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = f"{test.get('classname', '').rpartition('.')[2]}.py::{test.get('name')}"
        problems = [f"{child.tag}: {child.get('message', '')}\n{tail(child.text or '')}"
                    for child in test if child.tag in ("failure", "error", "skipped")]
        cases.append(Case(name, "\n".join(problems)))
    return cases
