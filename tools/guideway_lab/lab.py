# SPDX-License-Identifier: Apache-2.0
"""A lab from up to down. Its state file tells later commands what runs; down also works without.

The run folder /run/gwlab-<name> is the claim to the name: whoever makes it owns the lab.
"""

import dataclasses
import json
import pathlib
import shutil
import signal
import time

from guideway_lab import backends, bpffs, config, decap, huge_pages, network
from guideway_lab.director import Director, built_program, default_build_dir
from guideway_lab.plan import DECAP_MODES, Plan
from guideway_lab.processes import Process, start_time_of
from guideway_lab.shell import LabError, require_programs


# Of directors; one that was killed leaves its own.
_LOCKS = pathlib.Path("/run/guideway")


class Lab:
    """One lab. Use `with lab:` to take it down whatever happens."""

    def __init__(self, plan, build_dir=None):
        self.plan = plan
        self.build_dir = build_dir or default_build_dir()
        self.director = Director(plan, self.build_dir)
        self._processes = []
        self._owned = False

    @classmethod
    def load(cls, name):
        """The lab that an earlier command brought up."""
        state_file = Plan(name=name).run_dir / "state.json"
        try:
            state = json.loads(state_file.read_text())
        except FileNotFoundError:
            raise LabError(f"no lab '{name}' is up: run tools/lab up --name {name}") from None
        except ValueError:
            raise _stale(name) from None
        try:
            lab = cls(Plan(**state["plan"]), state["build_dir"])
            lab._processes = [Process(**process) for process in state["processes"]]
        except (ValueError, TypeError, KeyError):
            raise _stale(name) from None
        lab._owned = True
        lab.director.process = next((p for p in lab._processes if p.role == "guidewayd"), None)
        return lab

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    @property
    def processes(self):
        return list(self._processes)

    def up(self, start_director=True):
        """Builds the lab; with guidewayd, returns once every backend can be reached."""
        require_programs("ip", "ethtool", "nsenter", "sysctl", "nft", "nginx", "curl")
        self._claim()
        try:
            self._build()
            if start_director:
                self.start_director()
                self.director.wait_ready()
        except BaseException:
            self.down()
            raise

    def start_director(self):
        """Starts guidewayd; the caller waits for what it needs."""
        try:
            self.director.start()
        finally:
            if self.director.process:
                self._processes.append(self.director.process)
                self._save()

    def stop_director(self, grace=10.0):
        """Ends guidewayd; returns its exit code."""
        self._processes.remove(self.director.process)
        code = self.director.stop(grace)
        self._save()
        return code

    def down(self):
        """Removes everything of this lab; idempotent. Another's of the same name is left alone."""
        if self._owned:
            remove_lab(self.plan.name, self._processes)
            self._owned = False

    def _build(self):
        self._save()
        network.build(self.plan)
        if self.plan.kernel_nic:
            bpffs.mount(self.plan.bpffs)
            network.pass_on_cable(self.plan, built_program(self.build_dir, "bpf/pass.bpf.o"))
        if self.plan.mode in DECAP_MODES:
            decap.attach(self.plan, self.build_dir)
        self._processes += backends.start(self.plan)
        self._save()
        self.director.write_config(config.pool_of(self.plan))

    def _claim(self):
        try:
            self.plan.run_dir.mkdir()
        except FileExistsError:
            raise LabError(
                f"a lab '{self.plan.name}' is up, or was left behind:"
                f" run tools/lab down --name {self.plan.name}"
            ) from None
        self._owned = True

    def _save(self):
        state = {
            "plan": dataclasses.asdict(self.plan),
            "build_dir": str(self.build_dir),
            "processes": [dataclasses.asdict(process) for process in self._processes],
        }
        temporary = self.plan.run_dir / "state.json.new"
        temporary.write_text(json.dumps(state, indent=1))
        temporary.replace(self.plan.run_dir / "state.json")


def _stale(name):
    return LabError(
        f"the state of lab '{name}' is damaged, or of another version:"
        f" run tools/lab down --name {name}"
    )


def remove_lab(name, known_processes=()):
    """Removes a lab by its name; the state file is not needed. Idempotent.

    Beside the known processes, whatever runs in the lab's namespaces is the lab's.
    """
    namespaces = network.existing_namespaces(name)
    processes = [process for process in known_processes if process.alive()]
    known = {process.pid for process in processes}
    for netns in namespaces:
        processes += [p for p in _processes_in(netns) if p.pid not in known]
    _stop_all(processes)
    for netns in namespaces:
        network.remove(netns)
    decap.remove(Plan(name=name))
    bpffs.unmount(Plan(name=name).bpffs)
    huge_pages.remove_tables(Plan(name=name))
    for lock in _LOCKS.glob(f"{Plan(name=name).director_name}.*.lock"):
        lock.unlink()
    shutil.rmtree(Plan(name=name).run_dir, ignore_errors=True)


def _processes_in(netns):
    found = ((pid, start_time_of(pid)) for pid in network.namespace_pids(netns))
    return [Process("", pid, start_time) for pid, start_time in found if start_time is not None]


def _stop_all(processes, grace=5.0):
    """SIGTERM to all at once, SIGKILL to those that are left after `grace` seconds."""
    for process in processes:
        process.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    for process in processes:
        if not process.wait(max(0.0, deadline - time.monotonic())):
            process.signal(signal.SIGKILL)
            process.wait(grace)
