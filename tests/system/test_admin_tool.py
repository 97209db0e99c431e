# SPDX-License-Identifier: Apache-2.0
"""`guideway`, the operator's tool, on a real director: what it says comes true for packets."""

import contextlib
import pathlib
import subprocess

import pytest
from checks import assert_every_packet_has_an_end, new_connections
from operator_tool import as_json, refused, tool

from guideway_lab import config, kept_connections
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.plan import PORT
from guideway_lab.shell import wait_until

_COMPLETION = pathlib.Path(__file__).resolve().parents[2] / "src/cli/completion"


def test_changes_hold_for_packets_and_can_be_undone(lab, tmp_path):
    before = as_json(lab, "backend", "list", "web")
    tool(lab, "backend", "set", "web/backend1", "weight=0")
    assert new_connections(lab)["backend1"] == 0
    assert "pools/web/backends/backend1" in tool(lab, "diff")

    # Somebody who looked before that is not first.
    stale = ("--if-revision", str(before["revision"]))
    assert "revision" in refused(lab, 4, "backend", "disable", "web/backend2", *stale)
    assert "web" in refused(lab, 1, "backend", "disable", "wbe/backend2")
    assert "weight" in refused(lab, 1, "backend", "set", "web/backend2", "weight=1001")
    tool(lab, "backend", "disable", "web/backend2", "--dry-run")
    assert new_connections(lab)["backend2"] > 0

    # What runs is a good file, and no change to itself.
    saved = str(tmp_path / "saved.toml")
    tool(lab, "save", saved)
    tool(lab, "check", saved)
    assert "no change" in tool(lab, "plan", saved)
    assert "nothing to change" in tool(lab, "apply", saved)

    history = as_json(lab, "history")["history"]
    assert [each["source"] for each in history][-1] == "api"
    tool(lab, "rollback", str(before["revision"]))
    assert new_connections(lab)["backend1"] > 0
    tool(lab, "backend", "remove", "web/backend3")
    assert new_connections(lab)["backend3"] == 0
    address = lab.plan.backend_address("backend3")
    tool(lab, "backend", "add", "web/backend3", "--address", address)
    lab.director.wait_ready()
    assert new_connections(lab)["backend3"] > 0
    assert_every_packet_has_an_end(lab)


def test_a_drain_is_waited_for_and_explain_knows_where_flows_are(lab):
    with KeptConnections(lab.plan, 15) as kept:
        connections = kept.look()
        held = kept_connections.per_backend(connections)
        going = max(held, key=held.get)
        for each in connections[:5]:
            flow = as_json(
                lab,
                "explain",
                "tcp",
                f"{lab.plan.client_address}:{each.port}",
                f"{lab.plan.vip}:{PORT}",
                "--flags",
                "ack",
            )["explain"]
            assert (flow["flow"], flow["backend"]) == ("hit", each.backend)

        drain = ("backend", "drain", f"web/{going}", "--wait")
        complaint = refused(lab, 5, *drain, "--deadline", "3s", "--then", "keep")
        assert f"{held[going]} live flows left on web/{going}" in complaint
        connections = kept.wait_for_answers(5)
    assert kept_connections.disturbed(connections) == []
    assert new_connections(lab)[going] == 0
    tool(lab, "backend", "enable", f"web/{going}")
    tool(lab, "backend", "add", "web/idle", "address=" + lab.plan.nobody_address)
    assert "0 live flows" in tool(lab, "backend", "drain", "web/idle", "--wait")


def test_an_unconfirmed_file_is_taken_back_and_events_say_so(lab, tmp_path):
    two = config.pool_of(lab.plan)[:2]
    file = tmp_path / "two.toml"
    file.write_text(config.render(lab.plan, two))
    plan = as_json(lab, "plan", str(file))
    assert [each["path"] for each in plan["removed"]] == ["pools/web/backends/backend3"]
    assert 30 < plan["pools"][0]["moved_percent"] < 37  # a third, and next to nothing beside it

    revision = as_json(lab, "apply", str(file), "--confirm-within", "2s")["revision"]
    assert len(as_json(lab, "backend", "list")["backends"]) == 2
    wait_until(lambda: len(as_json(lab, "backend", "list")["backends"]) == 3, "the old pool")
    history = as_json(lab, "history")["history"]
    assert history[-1]["source"] == "expiry" and history[-1]["revision"] > revision
    tool(lab, "apply", str(file), "--confirm-within", "1h")
    tool(lab, "confirm")
    assert "nothing" in refused(lab, 1, "confirm")
    assert "generation" in tool(lab, "events", "--kind", "generation")

    file.write_text("prot = 1\n" + file.read_text())
    assert f"{file}:1:1: prot: unknown key" in refused(lab, 2, "apply", str(file))


def test_what_it_shows(lab):
    service = tool(lab, "service", "show", "web")
    assert f"ip address add {lab.plan.vip}/32 dev lo" in service
    for words in ("service list", "pool list", "backend list", "pool show web"):
        assert "web" in tool(lab, *words.split())
    assert "backend1" in tool(lab, "backend", "show", "web/backend1")
    assert "packets/s in" in tool(lab, "top")


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_shells_complete_names(lab, shell):
    # What the shell would do with the words is written here: it has no terminal.
    script = {
        "bash": f"""
            . {_COMPLETION}/guideway.bash
            COMP_WORDS=({lab.director.tool} backend drain web/) COMP_CWORD=3
            _guideway
            echo "${{COMPREPLY[@]}}"
        """,
        "zsh": f"""
            compadd() {{ [[ $1 == -a ]] && print -l -- "${{(@P)2}}" }}
            _files() {{ print files }}
            words=({lab.director.tool} backend drain web/) CURRENT=4
            . {_COMPLETION}/_guideway
        """,
    }[shell]
    environment = {"GUIDEWAY_SOCKET": str(lab.director.admin_socket), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [shell, "-fc" if shell == "zsh" else "-c", script],
        env=environment, capture_output=True, text=True, check=True,
    )
    assert done.stdout.split() == [f"web/{name}" for name in lab.plan.backend_names], done


def counts_until(drain, wanted):
    """The counts of live flows that a waiting drain prints, up to this one."""
    counts = []
    for line in drain.stdout:
        if "live flows" in line:
            counts.append(int(line.split()[0]))
        if counts and counts[-1] == wanted:
            return counts
    raise AssertionError(f"the drain ended before {wanted}: {counts}")


def test_a_drain_ends_well_when_the_last_client_has_closed(lab):
    def live_flows(name):
        return as_json(lab, "backend", "show", f"web/{name}")["backend"]["status"]["live_flows"]

    stacks = (contextlib.ExitStack(), contextlib.ExitStack(), contextlib.ExitStack())
    with stacks[0] as drains, stacks[1] as late, stacks[2] as early:
        groups = [stack.enter_context(KeptConnections(lab.plan, 12)) for stack in (early, late)]
        leaving, staying = (kept_connections.per_backend(group.look()) for group in groups)
        both = leaving & staying
        going = max(both, key=both.get)
        together = leaving[going] + staying[going]
        wait_until(lambda: live_flows(going) == together, "a count of all flows")
        socket = str(lab.director.admin_socket)
        command = [lab.director.tool, "--socket", socket, "backend", "drain", f"web/{going}"]
        command += ["--wait", "--deadline", "60s"]
        drain = drains.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        drains.callback(drain.kill)  # before it is waited for
        counts = counts_until(drain, together)
        early.close()
        counts += counts_until(drain, staying[going])
        assert drain.poll() is None, "there are flows left"
        assert kept_connections.disturbed(groups[1].wait_for_answers(3)) == []
        late.close()
        counts += counts_until(drain, 0)
        assert drain.wait(timeout=10) == 0
    assert counts == sorted(counts, reverse=True), "it only falls"
    tool(lab, "backend", "enable", f"web/{going}")
