# SPDX-License-Identifier: Apache-2.0
"""The newcomer's command, in the ways of running that .ci/run does not take."""

import os
import pathlib
import subprocess

import pytest

from guideway_lab.director import default_build_dir

_ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.mark.long
@pytest.mark.parametrize(
    ("datapath", "forwarding", "family"),
    [("afxdp", "l2dsr", "6"), ("afxdp", "nat", "4"), ("xdp", "vxlan", "4"), ("xdp", "ipip", "6")],
)
def test_the_demo_serves_every_request(datapath, forwarding, family):
    done = subprocess.run(
        [_ROOT / "tools/demo", "--datapath", datapath, "--forwarding", forwarding,
         "--family", family, "--build", default_build_dir()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300,
        env={**os.environ, "GUIDEWAY_NO_SETUP": "1"}, check=False,
    )
    assert done.returncode == 0, done.stdout
    requests, failed = done.stdout.splitlines()[-1].removeprefix("demo: ").split(", ")[:2]
    assert int(requests.split()[0]) > 20_000 and failed == "0 failed", done.stdout
