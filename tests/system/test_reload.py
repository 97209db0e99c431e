# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: what a new configuration changes, and what it must not disturb."""

import dataclasses
import itertools

import pytest
from checks import assert_every_packet_has_an_end, new_connections

from guideway_lab import config, kept_connections
from guideway_lab.config import Backend
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.plan import DATAPATHS
from guideway_lab.shell import wait_until

_KEPT = 45
_WAYS_OUT = {
    "removed": None,
    "drained": {"state": "drain"},
    "disabled": {"state": "disabled"},
    "weight 0": {"weight": 0},
}


def pool_without(lab, name, change):
    """The lab's pool with one backend changed, or left out."""
    pool = []
    for backend in config.pool_of(lab.plan):
        if backend.name != name:
            pool.append(backend)
        elif change:
            pool.append(dataclasses.replace(backend, **change))
    return pool


def ways():
    """Each way out beside each datapath; without --long one of them."""
    for datapath, way_out in itertools.product(DATAPATHS, _WAYS_OUT):
        is_short = (datapath, way_out) == ("dpdk", "removed")
        yield pytest.param(datapath, way_out, marks=() if is_short else pytest.mark.long)


@pytest.mark.parametrize(("datapath", "way_out"), ways())
def test_a_backend_that_goes_keeps_its_connections_and_gets_no_new_ones(
    make_lab, datapath, way_out
):
    lab = make_lab(datapath=datapath)
    with KeptConnections(lab.plan, _KEPT) as kept:
        held = kept_connections.per_backend(kept.look())
        going = max(held, key=held.get)
        lab.director.reload(pool_without(lab, going, _WAYS_OUT[way_out]))
        gained = new_connections(lab)
        connections = kept.wait_for_answers(20)
    assert kept_connections.disturbed(connections) == []
    assert kept_connections.per_backend(connections) == held
    assert gained[going] == 0
    assert all(gained[name] > 0 for name in gained if name != going), gained
    assert_every_packet_has_an_end(lab)


def test_a_backend_that_comes_back_gets_new_connections(lab):
    lab.director.reload(pool_without(lab, "backend2", None))
    assert new_connections(lab)["backend2"] == 0
    lab.director.reload(config.pool_of(lab.plan))
    lab.director.wait_ready()
    assert new_connections(lab)["backend2"] > 0


def test_an_unresolved_backend_gets_no_flows_and_status_says_why(lab):
    ghost = Backend("ghost", lab.plan.nobody_address)
    lab.director.reload([*config.pool_of(lab.plan), ghost])
    shown = lab.director.backends()["ghost"]
    assert shown["reason"], shown
    assert sum(new_connections(lab, 600).values()) == 600
    shown = lab.director.backends()["ghost"]
    assert (shown["slots"], shown["flows"], shown["packets"]) == (0, 0, 0)
    table = lab.director.operator_tool("status")
    assert table.returncode == 0 and shown["reason"] in table.stdout


def good_but_with(lab, old, new):
    """The lab's configuration with one piece of text replaced."""
    text = config.render(lab.plan, config.pool_of(lab.plan))
    assert old in text
    return text.replace(old, new)


def bad_files(lab):
    """Configuration texts, each with what the refusal has to name."""
    return {
        "unknown key": (good_but_with(lab, "workers =", "wokers ="), ["wokers", "workers"]),
        "no TOML": (good_but_with(lab, "[admin]", "[admin"), ["guideway.toml:"]),
        "missing pool": (good_but_with(lab, 'pool = "web"', 'pool = "wbe"'), ["wbe"]),
        "restart only": (
            good_but_with(lab, "[capacity]", "[capacity]\nflows = 4_000_000"),
            ["flows", "restart"],
        ),
        "two errors": (
            good_but_with(lab, "wan", "w n").replace('"maglev"', '"magic"'),
            ["w n", "magic"],
        ),
    }


_BAD_FILES = [
    pytest.param(kind, marks=pytest.mark.long if is_long else ())
    for kind, is_long in (
        ("unknown key", True),
        ("no TOML", True),
        ("missing pool", True),
        ("restart only", True),
        ("two errors", False),
    )
]


@pytest.mark.parametrize("kind", _BAD_FILES)
def test_a_bad_file_changes_nothing_and_is_explained(lab, kind):
    text, explanations = bad_files(lab)[kind]
    generation, logged = lab.director.status()["generation"], len(lab.director.log())
    with KeptConnections(lab.plan, 9) as kept:
        lab.director.config_file.write_text(text)
        lab.director.hang_up()

        def explained():
            said = lab.director.log()[logged:]
            return all(words in said for words in explanations)

        wait_until(explained, f"the log to name {explanations}")
        connections = kept.wait_for_answers(5)
    assert kept_connections.disturbed(connections) == []
    assert lab.director.status()["generation"] == generation
    assert min(new_connections(lab).values()) > 0


def test_check_finds_what_reload_refuses_and_exits_2(lab):
    good = lab.director.run_once("--check", lab.director.config_file)
    assert good.returncode == 0, good.stderr
    file = lab.plan.run_dir / "guideway.toml.new"
    for kind, (text, explanations) in bad_files(lab).items():
        if kind == "restart only":  # good in itself
            continue
        file.write_text(text)
        bad = lab.director.run_once("--check", file)
        assert bad.returncode == 2
        assert all(words in bad.stderr.replace(".new", "") for words in explanations), bad.stderr
