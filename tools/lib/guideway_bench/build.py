# SPDX-License-Identifier: Apache-2.0
"""The release build of the benchmark programs."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Failed(Exception):
    """The message is what a person should read."""


class Build:
    """build/bench, or the folder that GUIDEWAY_BUILD names, whose options are then its own.

    With arguments: another source tree, and where it is built.
    """

    def __init__(self, source=ROOT, folder=None):
        given = os.environ.get("GUIDEWAY_BUILD")
        self.source = source
        self.folder = folder or (ROOT / given if given else ROOT / "build" / "bench")

    def make(self, targets):
        """Builds these targets; returns their paths."""
        if not (self.folder / "build.ninja").exists():
            run_step(["meson", "setup", self.folder, self.source, "-Dbuildtype=release", "-Dunity=on",
                      "-Dunity_size=100"])
        run_step(["ninja", "-C", self.folder, *targets])
        return [self.folder / target for target in targets]

    def facts(self):
        """{"compiler": …, "buildtype": …, "optimization": …} of the C++ that was built."""
        options = {option["name"]: option["value"] for option in self._introspect("buildoptions")}
        return {"compiler": self._compiler_version(), "buildtype": options["buildtype"],
                "optimization": options["optimization"]}

    def _compiler_version(self):
        """As the compiler says it. Meson 1.0 can say only which command it is."""
        commands = [sources["compiler"] for target in self._introspect("targets")
                    for sources in target["target_sources"] if sources["language"] == "cpp"]
        done = subprocess.run([*commands[0], "--version"], check=True, capture_output=True, text=True)
        return done.stdout.splitlines()[0]

    def _introspect(self, what):
        done = subprocess.run(["meson", "introspect", f"--{what}", self.folder], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)


def demand_programs(names, setup):
    """Refuses to go on without these programs of other packages."""
    for name in names:
        if not shutil.which(name):
            raise Failed(f"{name} is not installed: run tools/setup {setup}")


def run_step(command):
    """What it prints is shown only if it fails."""
    command = [str(word) for word in command]
    print(f"bench: {' '.join(command)}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)
    if done.returncode != 0:
        raise Failed(f"{done.stdout}\n{command[0]} failed with exit code {done.returncode}: see above")
