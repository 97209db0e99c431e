# SPDX-License-Identifier: Apache-2.0
"""What stands behind tools/test and tools/lint. docs/testing.md explains it from the outside.

    test.py      tools/test: arguments, one suite after another, the last line
    suites.py    the suites: what each builds and runs
    lint.py      tools/lint: the list of checks
    results.py   Case: what one test came to
    process.py   runs a command with a log, a time limit and signs of life
    meson.py     builds, and meson tests → cases
    fuzz.py      fuzz targets → cases
    pytest_run.py  pytest → cases
    tree.py      which files there are
    selftest.py  that these see a failure, and count what there is
    check_*.py   one check of tools/lint or of the suite `docs` each
"""
