# SPDX-License-Identifier: Apache-2.0
"""System tests: real clients and servers through guidewayd, in labs of network namespaces.

As root: GUIDEWAY_BUILD=<build folder> /usr/bin/python3 -m pytest tests/system [--long]
"""

import itertools
import os
import pathlib
import re
import signal
import sys

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

from guideway_lab.director import default_build_dir  # noqa: E402
from guideway_lab.lab import Lab, remove_lab  # noqa: E402
from guideway_lab.plan import Plan  # noqa: E402

_LOG_LINES = 40
_LAB_OF_A_TEST = re.compile(r"gwlab-(t(\d+)-\d+)(-[^-]+)?")
_numbers = itertools.count(1)


def pytest_configure(config):
    config.addinivalue_line("markers", "long: runs only with --long")
    # timeout(1) ends a run by SIGTERM: fixtures must take their labs down then, too.
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal, _frame):
    raise KeyboardInterrupt


def pytest_sessionstart(session):
    if os.geteuid() == 0 and not session.config.option.collectonly:
        for name in _labs_of_dead_runs():
            print(f"removes lab {name}, which a killed run left behind")
            remove_lab(name)


def _labs_of_dead_runs():
    """Labs that make_lab() made in a process that is gone."""
    places = (pathlib.Path("/run"), pathlib.Path("/run/netns"))
    names = [path.name for place in places if place.is_dir() for path in place.iterdir()]
    matches = filter(None, map(_LAB_OF_A_TEST.fullmatch, names))
    return sorted({m.group(1) for m in matches if not os.path.exists(f"/proc/{m.group(2)}")})


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="full counts")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        # Not skipped: what tools/test was asked for and did not run has failed.
        left_out = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    if items and os.geteuid() != 0:
        pytest.exit("the system tests make network namespaces: run them as root", returncode=1)
    if items and not (default_build_dir() / "src/app/guidewayd").exists():
        pytest.exit(f"no guidewayd in {default_build_dir()}: set GUIDEWAY_BUILD", returncode=1)


@pytest.fixture
def is_long(pytestconfig):
    """Whether full counts were asked for."""
    return pytestconfig.getoption("--long")


@pytest.fixture
def requests(is_long):
    """How many HTTP requests a test sends."""
    return 50_000 if is_long else 1_500


@pytest.fixture
def make_lab():
    """Makes labs that are gone after the test: make_lab(mode=…, …, start_director=True)."""
    labs = []

    def make(start_director=True, **options):
        name = f"t{os.getpid()}-{next(_numbers)}"
        lab = Lab(Plan(name=name, **options))
        labs.append(lab)
        lab.up(start_director)
        return lab

    yield make
    for lab in labs:
        print(f"last lines of guidewayd in lab {lab.plan.name}:")  # pytest shows it if a test fails
        print("\n".join(lab.director.log().splitlines()[-_LOG_LINES:]))
        lab.down()


@pytest.fixture
def lab(make_lab):
    """Three backends on one segment, IPv4, one worker, guidewayd ready."""
    return make_lab()
