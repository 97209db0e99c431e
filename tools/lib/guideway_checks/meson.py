# SPDX-License-Identifier: Apache-2.0
"""Builds, and meson tests → cases. A GoogleTest binary counts with each of its tests."""

import json
import os
import re
import shutil

from . import process, tree
from .results import Case, tail

BUILD_LIMIT_S = 1500
OPTIONS_FILE = "tools-test-options.json"

# Sanitizers: a finding ends the test. Meson 1.0 would let UBSan only print.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:abort_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}

# Of whole programs: looking for leaks needs ptrace, which guidewayd gives away after its start.
DAEMON_ENV = {**SANITIZER_ENV,
              "ASAN_OPTIONS": "detect_leaks=0:" + SANITIZER_ENV["ASAN_OPTIONS"]}

GTEST_LINE = re.compile(
    r"\[ *(RUN|OK|FAILED|SKIPPED) *\] ([^\s,]+)(?:, where .*)?(?: \(\d+ ms\))?$")


class BuildFailed(Exception):
    """The message is what a person should read."""


class Build:
    """One build folder under build/."""

    def __init__(self, name, options, clang=False):
        self.name = name
        self.options = list(options)
        self.folder = tree.ROOT / "build" / name
        self.env = compiler_env(clang)

    def configure(self):
        wanted = json.dumps([self.options, self.env])
        stamp = self.folder / OPTIONS_FILE
        if stamp.exists() and stamp.read_text() == wanted:
            return  # ninja re-runs meson when a build file changed
        shutil.rmtree(self.folder, ignore_errors=True)
        tree.make_folder(self.folder.parent)
        self._step("configure", ["meson", "setup", *self.options, self.folder, tree.ROOT])
        stamp.write_text(wanted)

    def compile(self, targets=()):
        """Builds the targets, or everything."""
        self._step("build", ["ninja", "-C", self.folder, *targets])

    def _step(self, step, command):
        done = process.run(command, f"{self.name}-{step}", BUILD_LIMIT_S, self.env, as_owner=True)
        if not done.ok:
            raise BuildFailed(f"{step} of build/{self.name}: {done.why()}\n{tail(done.output)}")

    def introspect(self, what):
        code, output = process.capture(["meson", "introspect", f"--{what}", self.folder])
        if code != 0:
            raise BuildFailed(f"meson introspect --{what} build/{self.name} failed:\n{output}")
        return json.loads(output)

    def programs(self, *folders):
        """Executables that the build files of these source folders define, relative to the build."""
        found = []
        for target in self.introspect("targets"):
            place = os.path.relpath(os.path.dirname(target["defined_in"]), tree.ROOT)
            if target["type"] == "executable" and place in folders:
                found.append(os.path.relpath(target["filename"][0], self.folder))
        return sorted(found)

    def tests(self):
        """{test name: set of its suites}"""
        return {test["name"]: {suite.rpartition(":")[2] for suite in test["suite"]}
                for test in self.introspect("tests")}

    def run_tests(self, names, log_name, limit_s, processes, as_root=False, env=None):
        """Runs the named meson tests, so many programs at a time; returns their cases."""
        command = ["meson", "test", "-C", self.folder, "--no-rebuild", "--logbase", log_name,
                   "--timeout-multiplier", "3", "--num-processes", str(processes), *names]
        logs = self.folder / "meson-logs"
        for old in logs.glob(f"{log_name}.*"):
            old.unlink()  # perhaps root's, from a run under sudo
        results = logs / f"{log_name}.json"
        done = process.run(command, log_name, limit_s, {**SANITIZER_ENV, **(env or {})}, as_root)
        cases = cases_of_log(results) if results.exists() else []
        if not done.ok and not any(case.problem for case in cases):
            cases.append(Case("meson test", f"{done.why()}\n{tail(done.output)}"))
        return cases


def compiler_env(clang):
    """Meson finds gcc and ccache by itself, but not ccache in front of another compiler."""
    if not clang:
        return {}
    ccache = "ccache " if shutil.which("ccache") else ""
    return {"CC": f"{ccache}clang-14", "CXX": f"{ccache}clang++-14", "CC_LD": "lld", "CXX_LD": "lld"}


def cases_of_log(path):
    """Cases of a meson testlog.json: one JSON object per line and test."""
    cases = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        test = json.loads(line)
        cases += cases_of_test(test["name"], test["result"],
                               test.get("stdout", "") + test.get("stderr", ""))
    return cases


def cases_of_test(name, result, output):
    cases = gtest_cases(name, output)
    if result == "OK":
        return cases or [Case(name)]
    if result == "SKIP":
        return cases + [Case(name, f"skipped itself\n{tail(output)}")]
    if not any(case.problem for case in cases):
        cases.append(Case(name, f"{result}\n{tail(output)}"))
    return cases


def gtest_cases(binary, output):
    """Cases of a GoogleTest run; a failed one with its own output."""
    cases, own_output = [], []
    for line in output.splitlines():
        match = GTEST_LINE.search(line)
        if not match:
            own_output.append(line)
            continue
        word, test = match.groups()
        if word == "RUN":
            own_output = []
        elif not line.endswith("ms)"):
            break  # the summary, which names each failed test once more
        elif word == "OK":
            cases.append(Case(f"{binary}: {test}"))
        else:
            verb = "" if word == "FAILED" else "skipped itself\n"
            cases.append(Case(f"{binary}: {test}", verb + tail("\n".join(own_output) or word)))
    return cases
