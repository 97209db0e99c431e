# SPDX-License-Identifier: Apache-2.0
"""tools/demo: builds Guideway, sends real HTTP through it, and removes a backend under traffic."""

import argparse
import os
import signal
import socket
import sys

from guideway_lab import backends, config, kept_connections
from guideway_lab.build import build
from guideway_lab.http_load import HttpLoad, LoadResult
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.lab import Lab, remove_lab
from guideway_lab.plan import DATAPATHS, FAMILIES, MODES, PORT, Plan
from guideway_lab.report import comparison_problems, comparison_table, observe
from guideway_lab.shell import LabError, wait_until

_LAB = "demo"
_BACKENDS = 3
_TRAFFIC_LIMIT_S = 600
_KEPT = 60
_NEW_AFTER_REMOVAL = 2_000


class Demo:
    """The demo's steps on a lab, and what they found."""

    def __init__(self, lab):
        self._lab = lab
        self._load = HttpLoad(lab.plan)
        self.total = LoadResult()
        self.problems = []

    def spread_requests(self, requests):
        """Many connections of one request each; both sides' counts side by side."""
        say(f"{requests} HTTP requests to {self._lab.plan.url}, one connection each")
        before = observe(self._lab)
        result = self._load.run(requests, lambda done: say(f"  {done} of {requests}"))
        self._count(result)
        after = self._settled()
        lines, comparison = comparison_table(before, after), comparison_problems(before, after)
        print("\n".join(["", *lines, ""]), flush=True)
        self._check(comparison)

    def remove_backend(self):
        """Takes a backend out by reload while connections run on all of them."""
        plan = self._lab.plan
        with KeptConnections(plan, _KEPT) as kept:
            held = kept_connections.per_backend(kept.look())
            removed = max(plan.backend_names, key=lambda name: held[name])
            say(f"{_KEPT} kept connections run: {in_words(plan, held)}")
            say(f"removes {removed} from the configuration, sends SIGHUP")
            self._lab.director.reload([b for b in config.pool_of(plan) if b.name != removed])
            self._use_new_connections(removed)
            self._judge_kept(kept.wait_for_answers(20), held, removed)

    def _use_new_connections(self, removed):
        plan = self._lab.plan
        before = backends.http_counts(plan)
        self._count(self._load.run(_NEW_AFTER_REMOVAL))
        after = backends.http_counts(plan)
        new = {name: after[name].connections - before[name].connections for name in after}
        say(f"{_NEW_AFTER_REMOVAL} new connections: {in_words(plan, new)}")
        if new[removed]:
            self._check([f"{removed} got {new[removed]} new connections after its removal"])

    def _judge_kept(self, connections, held, removed):
        disturbed = kept_connections.disturbed(connections)
        answers = sum(connection.answered for connection in connections)
        others = sum(1 for c in connections if c.error and c.backend != removed)
        say(
            f"kept connections: {answers} answers;"
            f" disturbed: {others} on the others, {len(disturbed) - others} of {held[removed]}"
            f" on {removed}"
        )
        self._count(LoadResult(answers + len(disturbed), answers, disturbed))

    def show_status(self):
        told = self._lab.director.operator_tool("status")
        print(told.stdout, flush=True)
        if told.returncode != 0:
            self.fail(f"guideway status: exit code {told.returncode}: {told.stderr}")

    def fail(self, problem):
        self._check([problem])

    def _settled(self):
        """Both sides' counts, once the last packets have arrived."""
        try:
            return wait_until(lambda: observe(self._lab).if_packets_agree(), "equal counts", 5)
        except LabError:
            return observe(self._lab)

    def _count(self, result):
        self.total += result
        self._check(result.problems)

    def _check(self, problems):
        self.problems += problems
        for problem in problems:
            say(f"FAILED: {problem}")


def run_demo(build_dir, requests, plan):
    """The traffic part. Returns the exit code."""
    signal.alarm(_TRAFFIC_LIMIT_S)
    with Lab(plan, build_dir) as lab:
        say(f"lab: a client, guidewayd and {_BACKENDS} nginx, each in its network namespace")
        say(f"forwarding {plan.mode}: port {plan.service_port} of {plan.vip} to port {PORT} of each")
        demo = Demo(lab)
        try:
            lab.up()
            demo.spread_requests(requests)
            demo.show_status()
            demo.remove_backend()
        except LabError as error:
            demo.fail(str(error))
        say("removes the lab")
    signal.alarm(0)
    total = demo.total
    print(f"demo: {total.requests} requests, {total.failed} failed, {_BACKENDS} backends")
    return 1 if total.failed or demo.problems else 0


def say(text):
    print(f"demo: {text}", flush=True)


def in_words(plan, counts):
    return ", ".join(f"{name} {counts[name]}" for name in plan.backend_names)


def claim_demo():
    """Only one demo at a time; a lab that a killed one left behind is removed."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0guideway-{_LAB}")
    except OSError:
        raise LabError("another tools/demo runs on this machine: wait for its end") from None
    remove_lab(_LAB)
    return claim


def end_on_signals():
    """Ctrl-C, SIGTERM, SIGHUP and the time limit all unwind, so that the lab is removed."""

    def unwind(number, _frame):
        if number == signal.SIGALRM:
            raise LabError(f"not done within {_TRAFFIC_LIMIT_S} s")
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        signal.signal(number, unwind)


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__.partition(": ")[2])
    parser.add_argument("--requests", type=int, default=20_000, help="(default: 20000)")
    parser.add_argument("--datapath", choices=DATAPATHS, default="dpdk", help="(default: dpdk)")
    parser.add_argument("--forwarding", choices=MODES, default="nat", help="(default: nat)")
    parser.add_argument("--family", type=int, choices=FAMILIES, default=4, help="(default: 4)")
    parser.add_argument("--build", help="use this build folder instead of building build/demo")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("demo: network namespaces need root: run it as root or by sudo")
    end_on_signals()
    try:
        with claim_demo():
            folder = arguments.build or build(say)
            plan = Plan(name=_LAB, backends=_BACKENDS, datapath=arguments.datapath,
                        mode=arguments.forwarding, family=arguments.family)
            return run_demo(folder, arguments.requests, plan)
    except LabError as error:
        sys.exit(f"demo: {error}")
    except KeyboardInterrupt:
        print("demo: interrupted; the lab is removed", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
