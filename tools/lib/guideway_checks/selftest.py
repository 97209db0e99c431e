# SPDX-License-Identifier: Apache-2.0
"""Tests of the tools themselves: that they see a failure, and count what there is."""

import pathlib
import unittest

from . import check_docs, check_includes, meson, pytest_run
from .results import Case, Counts

GTEST_OUTPUT = """\
[==========] Running 4 tests from 2 test suites.
[ RUN      ] Maglev.IsDeterministic
[       OK ] Maglev.IsDeterministic (3 ms)
[ RUN      ] Maglev.KeepsShares/2
maglev_test.cpp:12: Failure
[  FAILED  ] Maglev.KeepsShares/2, where GetParam() = (1, "a, b") (0 ms)
[ RUN      ] Maglev.Skips
[  SKIPPED ] Maglev.Skips (0 ms)
[ RUN      ] Maglev.PrintsWithoutNewline
text[       OK ] Maglev.PrintsWithoutNewline (0 ms)
[==========] 4 tests from 2 test suites ran. (3 ms total)
[  PASSED  ] 2 tests.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] Maglev.KeepsShares/2, where GetParam() = (1, "a, b")
"""


class GtestOutput(unittest.TestCase):
    def test_each_test_is_a_case(self):
        cases = meson.cases_of_test("maglev_test", "FAIL", GTEST_OUTPUT)
        self.assertEqual(str(Counts().add(cases)), "2 passed, 2 failed, 0 skipped")

    def test_a_failure_keeps_its_own_output(self):
        cases = meson.cases_of_test("maglev_test", "FAIL", GTEST_OUTPUT)
        self.assertEqual(cases[1], Case("maglev_test: Maglev.KeepsShares/2",
                                        "maglev_test.cpp:12: Failure"))

    def test_a_crash_after_passed_tests_is_a_failure(self):
        output = GTEST_OUTPUT.partition("[ RUN      ] Maglev.KeepsShares")[0] + "AddressSanitizer: …"
        cases = meson.cases_of_test("maglev_test", "FAIL", output)
        self.assertEqual(str(Counts().add(cases)), "1 passed, 1 failed, 0 skipped")

    def test_a_plain_program_is_one_case(self):
        self.assertEqual(meson.cases_of_test("check", "OK", "hello"), [Case("check")])
        self.assertTrue(meson.cases_of_test("check", "TIMEOUT", "hello")[0].problem)

    def test_a_test_that_skips_itself_has_failed(self):
        self.assertTrue(meson.cases_of_test("check", "SKIP", "")[0].problem)


class SystemTestNames(unittest.TestCase):
    def test_files_functions_and_parameters_can_be_named(self):
        output = ("tests/system/test_a.py::test_one[x y]\ntests/system/test_a.py::test_two\n"
                  "\n2 tests collected in 0.1s\n")
        self.assertEqual(pytest_run.names_in("tests/system", output),
                         {"test_a.py", "test_a.py::test_one", "test_a.py::test_one[x y]",
                          "test_a.py::test_two"})


class IncludeDirection(unittest.TestCase):
    def problem(self, path, included, is_system=False):
        module, folder = check_includes.module_of(pathlib.PurePosixPath(path))
        return check_includes.problem_of(module, folder, is_system, included)

    def test_arrows_point_one_way(self):
        self.assertFalse(self.problem("src/control/a.cpp", "guideway/compile/compile.h"))
        self.assertTrue(self.problem("src/compile/a.cpp", "guideway/control/controller.h"))
        self.assertTrue(self.problem("src/datapath/dpdk/a.cpp", "guideway/control/controller.h"))
        self.assertTrue(self.problem("include/guideway/core/a.h", "guideway/base/result.h"))

    def test_libraries_stay_in_their_folders(self):
        self.assertFalse(self.problem("src/datapath/dpdk/a.cpp", "rte_mbuf.h", True))
        self.assertTrue(self.problem("src/datapath/a.cpp", "rte_mbuf.h", True))
        self.assertTrue(self.problem("src/control/a.cpp", "bpf/libbpf.h", True))
        self.assertTrue(self.problem("include/guideway/core/a.h", "string.h", True))

    def test_only_main_knows_the_kinds_of_datapath(self):
        header = "guideway/datapath/dpdk/start.h"
        self.assertFalse(self.problem("src/app/main.cpp", header))
        self.assertTrue(self.problem("src/control/a.cpp", header))


class DocumentedNames(unittest.TestCase):
    def test_what_looks_like_a_name_has_to_exist(self):
        for name in ("include/guideway/core/layout.h", "core/layout.h", "GW_REASON_FORWARDED",
                     "docs/", "anything else", "GET /v1/status"):
            self.assertTrue(check_docs.exists(name), name)
        for name in ("src/nowhere.cpp", "nowhere.h", "gw_nowhere()", "GW_REASON_NOWHERE"):
            self.assertFalse(check_docs.exists(name), name)


def problems():
    """As a check of tools/lint."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(__import__(__name__, fromlist=["*"])).run(result)
    return [f"{test}: {text}" for test, text in result.failures + result.errors]
