# SPDX-License-Identifier: Apache-2.0
"""Builds guidewayd and guideway for the demo."""

import os
import pathlib
import pwd
import subprocess

from guideway_lab.shell import LabError

_REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
_TARGETS = ("src/app/guidewayd", "src/cli/guideway", "src/decap/guideway-decap", "bpf/pass.bpf.o")


def build(say):
    """Builds a release in build/demo and returns that folder."""
    folder = _REPOSITORY / "build" / "demo"
    say(f"builds Guideway in {folder.relative_to(_REPOSITORY)}")
    if not (folder / "build.ninja").exists():
        # Another compiler may warn of more than ours does: that must not stop a newcomer.
        # A module at a time: headers are read once, which is half of the minutes that a newcomer waits.
        options = ("--buildtype=release", "-Doptimization=2", "-Dunity=on", "-Dunity_size=100",
                   "-Dwerror=false", "-Dtests=false", "-Dbench=false")
        _run(("meson", "setup", *options, str(folder), str(_REPOSITORY)))
    _run(("ninja", "-C", str(folder), *_TARGETS))
    return folder


def _run(command):
    """Shows the command's output, and runs it as whoever called sudo: the files are theirs."""
    user = os.environ.get("SUDO_UID")
    options = {}
    if user and os.stat(_REPOSITORY).st_uid == int(user):
        entry = pwd.getpwuid(int(user))
        home = {"HOME": entry.pw_dir, "USER": entry.pw_name}
        options = {
            "user": entry.pw_uid,
            "group": entry.pw_gid,
            "extra_groups": [],
            "env": os.environ | home,
        }
    if subprocess.run(command, check=False, **options).returncode != 0:
        raise LabError(f"'{' '.join(command)}' failed; its output above says why")
