# SPDX-License-Identifier: Apache-2.0
"""Changes at random by the admin socket, and backends that fall ill and get well, under load.

No connection fails whose backend was well; what comes of it all is what a model says, before and
after a restart. A failure names the seed: GUIDEWAY_SEED runs the same again.
"""

import os
import random
import signal

import pytest
from checks import assert_every_packet_has_an_end, write_report
from health_site import healthy_lab
from wanted_state import WantedState

from guideway_lab import backends
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.shell import wait_until

_CONNECTIONS = 100
_CHANGES_OF_A_ROUND = 50
_FLAPS_OF_A_ROUND = 10
_LOOKS_OF_A_ROUND = 10
# Of detection, and of a generation on a busy machine.
_SETTLE_S = 20


class Trial:
    """A lab, the model of what is wanted of it, and what was seen."""

    def __init__(self, lab, seed):
        self.lab = lab
        self.random = random.Random(seed)
        self.wanted = WantedState(lab.plan, self.random)
        self.changes = self.flaps = self.answers = self.judged = 0
        self.revision = self.ask("GET", "/v1/config")["revision"]

    def ask(self, method, path, body=None):
        with self.lab.director.admin() as admin:
            answer = admin.ask(method, path, body)
        assert answer.status in (200, 201), (method, path, body, answer)
        return answer.body

    def send(self, request):
        answer = self.ask(request.method, request.path, request.body)
        assert answer["revision"] == self.revision + bool(answer["changes"]), answer
        self.revision = answer["revision"]
        self.changes += 1

    def flap(self, name):
        """A backend's health check fails from now on, or succeeds again."""
        self.wanted.sick ^= {name}
        backends.set_sick(self.lab.plan, name, name in self.wanted.sick)
        self.flaps += 1

    def round(self):
        """Some changes and flaps in a random order, under connections of this round.

        Half of the backends stay well throughout.
        """
        names = self.lab.plan.backend_names
        patients = self.random.sample(names, len(names) // 2)
        for name in sorted(self.wanted.sick - set(patients)):
            self.flap(name)
        if not self.wanted.takes_new():
            self.send(self.wanted.revive())
        self.settle()
        steps = (
            ["change"] * _CHANGES_OF_A_ROUND
            + ["flap"] * _FLAPS_OF_A_ROUND
            + ["look"] * _LOOKS_OF_A_ROUND
        )
        self.random.shuffle(steps)
        with KeptConnections(self.lab.plan, _CONNECTIONS, interval_ms=150) as kept:
            for step in steps:
                if step == "flap":
                    self.flap(self.random.choice(patients))
                elif step == "change":
                    self.send(self.wanted.change())
                else:
                    kept.wait_for_answers(1)
            connections = kept.wait_for_answers(3)
        self.judge(connections, patients)

    def judge(self, connections, patients):
        """Whoever was on a backend that stayed well kept it, whatever the operator did to it."""
        self.answers += sum(connection.answered for connection in connections)
        self.judged += sum(connection.backend not in patients for connection in connections)
        failed = [c for c in connections if c.error and c.backend not in patients]
        assert failed == [], failed

    def settle(self):
        """Waits until what runs is what the model says."""
        wait_until(lambda: not self.differences(), lambda: f"{self.differences()} to be gone", _SETTLE_S)

    def differences(self):
        """Between the model and guidewayd: configuration, then who has slots."""
        found = self.ask("GET", "/v1/config")
        pool = next(p for p in found["pools"] if p["name"] == "web")
        shown = {
            "backends": {b["name"]: b for b in pool["backends"]},
            "services": {s["name"]: s for s in found["services"]},
        }
        wanted = {"backends": self.wanted.backends, "services": self.wanted.services}
        different = [
            (kind, name, shown[kind].get(name), wanted[kind].get(name))
            for kind in shown
            for name in shown[kind].keys() | wanted[kind].keys()
            if shown[kind].get(name) != wanted[kind].get(name)
        ]
        rows = self.lab.director.status()["pools"][0]["backends"]
        with_slots = {b["name"] for b in rows if b["slots"]}
        if with_slots != self.wanted.takes_new():
            different.append(("slots", sorted(with_slots), sorted(self.wanted.takes_new())))
        return different

    def restart(self, end):
        lab = self.lab
        lab.director.process.signal(end)
        assert lab.director.process.wait(10)
        lab.stop_director()
        lab.start_director()
        self.settle()
        assert self.ask("GET", "/v1/config")["revision"] == self.revision


@pytest.mark.parametrize("datapath", ["xdp", pytest.param("dpdk", marks=pytest.mark.long)])
def test_no_connection_to_a_backend_that_is_well_notices(make_lab, is_long, capsys, datapath):
    seed = int(os.environ.get("GUIDEWAY_SEED", random.randrange(2**32)))
    print(f"GUIDEWAY_SEED={seed}")
    lab = healthy_lab(
        make_lab,
        datapath=datapath,
        backends=6,
        director_keys='min_rebuild_interval = "20ms"',
        pool_keys="panic_hysteresis = 0",
        health_keys='flap_hold = "0s"',
    )
    first = lab.director.process
    trial = Trial(lab, seed)
    for _ in range(10 if is_long else 1):
        trial.round()
    trial.settle()
    assert first.alive()
    assert_every_packet_has_an_end(lab)
    generations = lab.director.status()["generation"]
    trial.restart(signal.SIGTERM)
    trial.restart(signal.SIGKILL)
    line = (
        f"{datapath}, seed {seed}: {trial.changes} changes and {trial.flaps} flaps in {generations}"
        f" generations; {trial.answers} answers on kept connections; 0 of the {trial.judged} failed"
        " whose backend stayed well"
    )
    write_report(f"random-changes-{datapath}", [line], capsys)
