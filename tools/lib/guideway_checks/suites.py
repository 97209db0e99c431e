# SPDX-License-Identifier: Apache-2.0
"""The suites of tools/test: what each builds and runs. A suite is a function Context → [Case]."""

import dataclasses
import os
import random

from . import check_docs, fuzz, lint, old_kernel, process, pytest_run
from .meson import DAEMON_ENV, Build, BuildFailed
from .results import Case, tail

# What compiling costs decides how long a newcomer waits. A module at a time: headers are read once, not
# once for each of its files (clang-tidy reads them file by file, so that stays tried).
UNITY = ["-Dunity=on", "-Dunity_size=100"]
# Unoptimised: -O1 -g takes 3.3 times as long under both sanitizers; and by clang: g++ takes twice as long
# (src/admin: 53 s against 26 s). src/compile asks for -O1 itself. Without -g reports name functions, and UBSan's
# lines. What UBSan finds only before a crash that ASan reports anyway is left out: together a quarter less.
# Alignment and pointer overflow meson.build turns on again where packets and tables are read.
SANITIZE = ["-Dbuildtype=debug", *UNITY]
SANITIZE_FLAGS = ("-Dcpp_args=-fno-sanitize-recover=all "
                  "-fno-sanitize=null,object-size,function,vptr,alignment,pointer-overflow -g0")
# Meson tests of these suites need something of their own; all others are unit tests.
SPECIAL = {"root", "bpf", "fuzz", "system", "bench"}
CPUS = os.cpu_count()


@dataclasses.dataclass
class Skips:
    """What --skip named: NAME=reason, NAME being a suite or suite/test."""

    reasons: dict
    used: set = dataclasses.field(default_factory=set)

    def reason(self, name):
        if name in self.reasons:
            self.used.add(name)
        return self.reasons.get(name, "")

    def of_suite(self, suite):
        """Names of this suite's tests to skip."""
        return [name.partition("/")[2] for name in self.reasons if name.startswith(f"{suite}/")]

    def unused(self):
        return sorted(set(self.reasons) - self.used)


@dataclasses.dataclass
class Context:
    is_long: bool
    skips: Skips

    def split(self, suite, names):
        """(names to run, cases for those to skip)"""
        reasons = {name: self.skips.reason(f"{suite}/{name}") for name in names}
        return ([name for name in names if not reasons[name]],
                [Case(name, skipped=reason) for name, reason in reasons.items() if reason])


def sanitized_build(name, sanitizers, *options):
    return Build(name, SANITIZE + [f"-Db_sanitize={sanitizers}", "-Db_lundef=false",
                                   SANITIZE_FLAGS, *options], clang=True)


def test_build():
    return sanitized_build("test", "address,undefined", "-Dfuzz=targets")


def release_build():
    return Build("release", ["-Dbuildtype=release", "-Doptimization=2", *UNITY])


def run_checks(context, suite, checks):
    """Cases of named functions that return a list of problems."""
    names, cases = context.split(suite, list(checks))
    for name in names:
        cases.append(Case(name, "\n".join(checks[name]())))
    return cases


def lint_suite(context):
    checks = dict(lint.CHECKS)
    if not context.is_long:
        for name in ("clang-tidy", "other-headers"):  # minutes: a part of tools/lint and of --long
            del checks[name]
    return run_checks(context, "lint", checks)


def docs_suite(context):
    return run_checks(context, "docs", check_docs.CHECKS)


def meson_suite(context, suite, build, wanted, limit_s, processes, as_root=False, env=None):
    """Builds, then runs the meson tests whose set of suites is wanted."""
    build.configure()
    build.compile(["meson-test-prereq"])  # not the programs, which only the system suite runs
    tests = build.tests()
    names, cases = context.split(suite, [name for name in tests if wanted(tests[name])])
    if not names and not cases:
        return [Case(suite, "there is no such test; did its build file forget test(… suite:)?")]
    return cases + (build.run_tests(names, suite, limit_s, processes, as_root, env) if names else [])


def unit_suite(context):
    env = {"GUIDEWAY_LONG": "1"} if context.is_long else {}
    # Some wait for timers: more programs than CPUs.
    return meson_suite(context, "unit", test_build(), lambda suites: not suites & SPECIAL, 900,
                       CPUS + 2, False, env)


def root_suite(context):
    # One at a time: they look at what the whole machine has.
    return meson_suite(context, "root", test_build(), lambda suites: "root" in suites, 300, 1, True)


def bpf_suite(context):
    env = {}
    if context.is_long:  # other sequences each time; the program prints its seed
        env = {"GUIDEWAY_FUZZ_SECONDS": "60", "GUIDEWAY_FUZZ_SEED": str(random.getrandbits(32))}
    return meson_suite(context, "bpf", test_build(), lambda suites: "bpf" in suites, 300, CPUS,
                       True, env)


def tsan_suite(context):
    build = sanitized_build("tsan", "thread")
    return meson_suite(context, "tsan", build,
                       lambda suites: not suites & (SPECIAL | {"no-tsan"}), 1800, CPUS)


def fuzz_build(context):
    """For some seconds of looking the test build will do, in which only the targets, and what headers they
    include, tell libFuzzer of their branches. --long has a build in which all code does, optimised."""
    if not context.is_long:
        return test_build()
    return sanitized_build("fuzz", "address,undefined", "-Dfuzz=all", "-Ddpdk=false",
                           "-Doptimization=1")


def fuzz_suite(context):
    build = fuzz_build(context)
    build.configure()
    programs = {program.rpartition("/")[2]: program for program in build.programs("tests/fuzz")}
    if not programs:
        return [Case("fuzz", "tests/fuzz/meson.build defines no fuzz target")]
    names, cases = context.split("fuzz", list(programs))
    seed = 0 if context.is_long else 1  # what passed before a change was pushed passes after it
    build.compile([programs[name] for name in names])
    seconds = 180 if context.is_long else 3
    return cases + process.in_parallel(
        lambda name: fuzz.run_target(build, programs[name], seconds, seed), names)


def programs_build(context):
    """What system tests and benchmarks run. In the short run the sanitized build, which is there already:
    nobody looks at times then, and a release build takes minutes (tools/demo makes and runs one)."""
    return release_build() if context.is_long else test_build()


def system_suite(context):
    build = programs_build(context)
    build.configure()
    build.compile([*build.programs("src/app", "src/cli", "src/decap", "tools/pktgen"),
                   "bpf/pass.bpf.o"])
    asked = context.skips.of_suite("system")
    # Only names that exist: the others count as unused, and fail.
    known = pytest_run.names("tests/system", build) if asked else set()
    deselected = [name for name in asked if name in known]
    _, cases = context.split("system", deselected)
    limit_s = 3600 if context.is_long else 900
    return cases + pytest_run.run("tests/system", build, limit_s, context.is_long, deselected)


def random_sanitized_suite(_context):
    """500 changes at random once more, in the build that finds what a release build passes over."""
    build = test_build()
    build.configure()
    build.compile([*build.programs("src/app", "src/cli"), "bpf/pass.bpf.o"])
    test = "tests/system/test_random_changes.py::test_no_connection_to_a_backend_that_is_well_notices"
    return pytest_run.run(f"{test}[xdp]", build, 1800, True, [], "random-sanitized")


def bench_smoke_suite(context):
    """The benchmarks run and their own counters agree; nobody looks at the times."""
    build = programs_build(context)
    build.configure()
    names = ["core"]
    if context.is_long:
        names += ["maglev", "xdp", "xdp-swaps", "scale", "memory", "disruption", "flood", "health"]
    names, cases = context.split("bench-smoke", names)
    wanted = {name.partition("-")[0] + "_bench" for name in names}
    build.compile([program for program in build.programs("tests/bench")
                   if program.rpartition("/")[2] in wanted])
    for name in names:
        done = process.run(["tools/bench", name, "--quick"], f"bench-{name}", 180,
                           {"GUIDEWAY_BUILD": str(build.folder), "GUIDEWAY_NO_SETUP": "1",
                            **DAEMON_ENV}, as_root=name.startswith("xdp"))
        cases.append(Case(name, "" if done.ok else f"{done.why()}\n{tail(done.output)}"))
    return cases


def bare_root_suite(_context):
    """The last commit, from nothing, in a Debian 12 without any of our packages."""
    done = process.run(["tools/lib/bare-root"], "bare-root", 3000, as_root=True)
    return [Case("unit tests in a bare root", "" if done.ok else f"{done.why()}\n{tail(done.output)}")]


def old_kernel_suite(_context):
    build = release_build()
    build.configure()
    build.compile([*old_kernel.PROGRAMS, "bpf/pass.bpf.o"])
    return old_kernel.run(build)


@dataclasses.dataclass(frozen=True)
class Suite:
    run: object
    what: str
    needs_root: bool = False
    only_long: bool = False


# In this order: what is quick to fail comes first.
SUITES = {
    "lint": Suite(lint_suite, "format, headers, include direction, licences; --long: more headers, clang-tidy"),
    "docs": Suite(docs_suite, "links, counters, and names in docs/ that must exist"),
    "unit": Suite(unit_suite, "unit and packet tests with ASan and UBSan"),
    "root": Suite(root_suite, "tests that need network namespaces", needs_root=True),
    "bpf": Suite(bpf_suite, "the kernel's verifier on the shared core", needs_root=True),
    "fuzz": Suite(fuzz_suite, "each fuzz target over its corpus, then some seconds more"),
    "system": Suite(system_suite, "real programs through guidewayd in the lab", needs_root=True),
    "random-sanitized": Suite(random_sanitized_suite, "500 random changes with ASan and UBSan",
                              needs_root=True, only_long=True),
    "bench-smoke": Suite(bench_smoke_suite, "the benchmarks run; times are not judged",
                         needs_root=True),
    "tsan": Suite(tsan_suite, "unit tests with ThreadSanitizer", only_long=True),
    "old-kernel": Suite(old_kernel_suite, "Debian 12's own kernel, in qemu", only_long=True),
    "bare-root": Suite(bare_root_suite, "tools/setup and unit tests in a bare Debian 12",
                       needs_root=True, only_long=True),
}


def run_suite(name, context):
    """Cases of one suite. Whatever stops it is a failed case of its own."""
    suite = SUITES[name]
    reason = context.skips.reason(name)
    if reason:
        return [Case(name, skipped=reason)]
    problem = process.root_problem() if suite.needs_root else ""
    if problem:
        return [Case(name, f"{problem}; or leave it out: --skip {name}=reason")]
    try:
        return suite.run(context)
    except BuildFailed as failure:
        return [Case(f"{name}: build", str(failure))]
    except OSError as failure:
        return [Case(name, f"could not run: {failure}")]
