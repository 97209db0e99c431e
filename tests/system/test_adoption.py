# SPDX-License-Identifier: Apache-2.0
"""What a director leaves behind, and what the next one makes of it."""

import json
import re
import signal
import time

import pytest
from checks import (
    assert_every_packet_has_an_end,
    attached_program,
    change_config,
    end_director,
    error_lines,
    mostly_long,
    pins,
    vips_on_lo,
    write_report,
)

from guideway_lab import config, kept_connections, network, snapshot
from guideway_lab.director import built_program
from guideway_lab.http_load import HttpLoad
from guideway_lab.kept_connections import KeptConnections
from guideway_lab.measured_load import MeasuredLoad, count_vip_packets, vip_packets, watch_xdp
from guideway_lab.network import KERNEL_NIC
from guideway_lab.shell import run, wait_until

_KEPT = 60
# Of dpdk nobody forwards until it runs again. How long a client may have to wait is judged with
# --long, of a release build; a sanitized one may take many seconds on a slow machine, and TCP sends
# again after 6 s and 13 s.
_NOBODY_FORWARDS_S = 60
_RELEASE_RESTARTS_S = 10
_MMAPABLE = 1 << 10  # linux/bpf.h: BPF_F_MMAPABLE
_BESIDE_THE_KERNEL = ["afxdp", "xdp"]


def start(lab):
    lab.start_director()
    lab.director.wait_ready([b["name"] for b in lab.director.backends().values() if b["slots"]])


def serves(lab, requests=100):
    """Every request is answered."""
    result = HttpLoad(lab.plan).run(requests)
    assert (result.failed, result.problems) == (0, [])


def restarts():
    """Datapath and signal; SIGKILL only with --long, test_death.py has it anyway."""
    for datapath in _BESIDE_THE_KERNEL:
        marks = () if datapath == "afxdp" else pytest.mark.long
        yield pytest.param(datapath, signal.SIGTERM, id=f"{datapath}-SIGTERM", marks=marks)
        name = f"{datapath}-SIGKILL"
        yield pytest.param(datapath, signal.SIGKILL, id=name, marks=pytest.mark.long)


def write_another_config(lab, kept):
    """One backend less, the one with the most connections, and another seed."""
    held = kept_connections.per_backend(kept.look())
    gone = max(held, key=held.get)
    lab.director.write_config([b for b in config.pool_of(lab.plan) if b.name != gone])
    change_config(lab, "workers =", f'hash_seed = "{"5a" * 16}"\nworkers =')
    return held


def assert_all_stay(lab, kept, held, timeout=30):
    connections = kept.wait_for_answers(20, timeout)
    assert kept_connections.disturbed(connections) == []
    assert kept_connections.per_backend(connections) == held
    assert "adopted the flow table" in lab.director.log()
    serves(lab, 500)
    assert_every_packet_has_an_end(lab)


@pytest.mark.parametrize(("datapath", "number"), restarts())
def test_flows_stay_over_a_restart_with_fewer_queues_backends_and_another_seed(
    make_lab, datapath, number
):
    lab = make_lab(datapath=datapath, on_stop="keep", workers=2)
    count_vip_packets(lab.plan)
    with watch_xdp(lab.plan) as watched, KeptConnections(lab.plan, _KEPT) as kept:
        held = write_another_config(lab, kept)
        end_director(lab, number)
        network.set_queues(lab.plan, 1)
        kept.wait_for_answers(3)
        start(lab)
        assert_all_stay(lab, kept, held)
        seen = watched()
    assert lab.director.status()["interfaces"][0]["rx_queues"] == 1
    assert vip_packets(lab.plan) == 0
    assert seen["without"] == 0 and len(seen["programs"]) == 2, seen


@pytest.mark.long
@pytest.mark.parametrize(("datapath", "number"), restarts())
def test_flows_stay_over_a_restart_with_more_queues(make_lab, datapath, number):
    """A veth that gets more queues runs no XDP program on them until one is attached anew.

    So it has to be taken off in between, with the cable unplugged: nobody else may answer.
    """
    lab = make_lab(datapath=datapath, on_stop="keep", workers=2, start_director=False)
    network.set_queues(lab.plan, 1)
    start(lab)
    with KeptConnections(lab.plan, _KEPT) as kept:
        held = write_another_config(lab, kept)
        end_director(lab, number)
        network.set_cable(lab.plan, "down")
        (lab.plan.bpffs / lab.plan.director_name / f"link-{KERNEL_NIC}").unlink()
        wait_until(lambda: attached_program(lab) is None, "the program to be gone with its link")
        network.set_queues(lab.plan, 2)
        lab.start_director()
        network.set_cable(lab.plan, "up")
        assert_all_stay(lab, kept, held)
    assert lab.director.status()["interfaces"][0]["rx_queues"] == 2
    rows = lab.director.status()["workers"]
    busy = [row for row in rows if row["role"] == "worker" and row["forwarded"]]
    assert len(busy) == (2 if datapath == "afxdp" else 0), rows


def removed(pin):
    pin.unlink()


def with_garbage(pin):
    overwrite(pin, bytes(i * 37 % 256 for i in range(4096)))


def of_another_version(pin):
    page = first_page(pin)
    overwrite(pin, page[:8] + (99).to_bytes(4, "little") + page[12:])


def with_one_wrong_bit(pin):
    page = first_page(pin)
    overwrite(pin, page[:30] + bytes([page[30] ^ 1]) + page[31:])


def of_another_kind(pin):
    replace_by_map(pin, value=8, entries=16)


def too_small(pin):
    shown = json.loads(run("bpftool", "--json", "map", "show", "pinned", pin).stdout)
    replace_by_map(pin, value=shown["bytes_value"], entries=64)


def replace_by_map(pin, value, entries):
    pin.unlink()
    sizes = ("type", "array", "key", 4, "value", value, "entries", entries)
    run("bpftool", "map", "create", pin, *sizes, "name", "foreign", "flags", _MMAPABLE)


def first_page(pin):
    dump = run("bpftool", "map", "lookup", "pinned", pin, "key", 0, 0, 0, 0).stdout
    return bytes.fromhex(re.sub(r"\s", "", dump.partition("value:")[2]))


def overwrite(pin, page):
    run("bpftool", "map", "update", "pinned", pin, "key", 0, 0, 0, 0, "value", *page)


# Pin, damage, what the log says.
_DAMAGES = [
    ("kept", removed, 'there is no "kept"'),
    ("kept", with_garbage, "not a Guideway flow table"),
    ("kept", of_another_version, "it has version 99"),
    ("kept", with_one_wrong_bit, "its checksum is wrong"),
    ("kept", of_another_kind, "is a map of another kind"),
    ("flows", removed, 'there is no "flows"'),
    ("flows", of_another_kind, "is a map of another kind"),
    ("flows", too_small, "fewer buckets than its description says"),
]
_SHORT_DAMAGES = {("kept", removed), ("kept", with_garbage), ("flows", of_another_kind)}


def damages():
    """Unit tests have every field of the description; without --long one of each sort is enough."""
    for pin, damage, words in _DAMAGES:
        marks = () if (pin, damage) in _SHORT_DAMAGES else pytest.mark.long
        yield pytest.param(pin, damage, words, id=f"{pin}-{damage.__name__}", marks=marks)


def damage_pin(lab, pin, damage):
    damage(lab.plan.bpffs / lab.plan.director_name / pin)


def refusals(lab):
    """What the log says of all that could not be adopted."""
    said = [entry["message"] for entry in lab.director.log_entries()]
    return [message for message in said if "cannot be adopted" in message]


@pytest.mark.parametrize(("pin", "damage", "words"), damages())
def test_damaged_pins_are_refused_with_a_reason_and_it_starts_clean(make_lab, pin, damage, words):
    lab = make_lab(datapath="xdp", on_stop="keep")
    end_director(lab, signal.SIGTERM)
    damage_pin(lab, pin, damage)
    serves(lab)  # the program in the kernel needs it no more
    start(lab)
    said = refusals(lab)
    assert len(said) == 1 and words in said[0], said
    serves(lab)
    end_director(lab, signal.SIGTERM)
    start(lab)
    assert "adopted the flow table" in lab.director.log()


@pytest.mark.parametrize(
    ("damage", "words"),
    [pytest.param(of_another_kind, "is a map of another kind", id="of_another_kind",
                  marks=pytest.mark.long),
     pytest.param(too_small, "bytes are too few for one address", id="too_small")],
)
def test_a_damaged_nat_table_is_said_and_the_flow_table_adopted(make_lab, damage, words):
    lab = make_lab(datapath="xdp", mode="nat", on_stop="keep")
    end_director(lab, signal.SIGTERM)
    damage_pin(lab, "nat", damage)
    start(lab)
    said = refusals(lab)
    assert len(said) == 1 and "NAT table" in said[0] and words in said[0], said
    assert "adopted the flow table" in lab.director.log()
    serves(lab)


@pytest.mark.parametrize("datapath", mostly_long(_BESIDE_THE_KERNEL, "afxdp"))
def test_keep_leaves_what_detach_removes(make_lab, datapath):
    lab = make_lab(datapath=datapath, on_stop="keep", start_director=False)
    before = snapshot.take(lab.plan)
    start(lab)
    assert lab.stop_director() == 0
    assert attached_program(lab) and vips_on_lo(lab) and pins(lab)
    serves(lab)
    done = lab.director.run_once("--detach", "--config", lab.director.config_file)
    assert (done.returncode, error_lines(done.stderr)) == (0, []), done.stderr
    assert attached_program(lab) is None
    assert snapshot.differences(before, snapshot.take(lab.plan)) == []


@pytest.mark.parametrize("datapath", mostly_long(_BESIDE_THE_KERNEL, "xdp"))
def test_on_stop_detach_leaves_nothing(make_lab, datapath):
    lab = make_lab(datapath=datapath, on_stop="detach", start_director=False)
    before = snapshot.take(lab.plan)
    start(lab)
    assert attached_program(lab) and pins(lab)
    assert lab.stop_director() == 0
    assert attached_program(lab) is None
    assert snapshot.differences(before, snapshot.take(lab.plan)) == []


def test_two_directors_on_one_bpf_file_system_leave_each_other_alone(make_lab):
    first = make_lab(datapath="afxdp", on_stop="keep")
    second = make_lab(datapath="xdp", on_stop="keep", start_director=False)
    change_config(second, str(second.plan.bpffs), str(first.plan.bpffs))
    start(second)
    shared = sorted(lab.plan.director_name for lab in (first, second))
    assert sorted(p.name for p in first.plan.bpffs.glob("gwlab-*")) == shared
    with KeptConnections(first.plan, _KEPT) as kept:
        end_director(second, signal.SIGTERM)
        start(second)
        assert "adopted the flow table" in second.director.log()
        assert second.stop_director() == 0
        done = second.director.run_once("--detach", "--config", second.director.config_file)
        assert done.returncode == 0, done.stderr
        connections = kept.wait_for_answers(5)
        assert kept_connections.disturbed(connections) == []
    assert attached_program(second) is None and attached_program(first)
    assert pins(first)
    serves(first)


@pytest.mark.parametrize("datapath", ["xdp", pytest.param("afxdp", marks=pytest.mark.long)])
def test_a_foreign_program_is_not_displaced_unasked(make_lab, datapath):
    lab = make_lab(datapath=datapath, start_director=False)
    program = built_program(lab.build_dir, "bpf/pass.bpf.o")
    words = ("link", "set", KERNEL_NIC, "xdpdrv", "object", program, "section", "xdp")
    run("ip", *words, netns=lab.plan.netns("director"))
    foreign = attached_program(lab)
    refused = lab.director.run_once("--config", lab.director.config_file)
    assert refused.returncode == 1
    said = error_lines(refused.stderr)
    assert len(said) == 1, refused.stderr
    assert "another XDP program" in said[0] and "replace_program = true" in said[0]
    assert attached_program(lab) == foreign
    assert pins(lab) == [] and vips_on_lo(lab) == []
    device = f'device = "{KERNEL_NIC}"'
    change_config(lab, device, f"{device}\nreplace_program = true")
    start(lab)
    assert attached_program(lab) not in (None, foreign)
    assert "took the XDP program" in lab.director.log()
    serves(lab)


@pytest.mark.parametrize(
    "number",
    [pytest.param(signal.SIGTERM, id="SIGTERM", marks=pytest.mark.long),
     pytest.param(signal.SIGKILL, id="SIGKILL")],
)
def test_dpdk_restarts_without_losing_or_moving_a_connection(make_lab, is_long, capsys, number):
    lab = make_lab(datapath="dpdk", on_stop="keep")
    timeout_s = _RELEASE_RESTARTS_S if is_long else _NOBODY_FORWARDS_S
    with MeasuredLoad(lab.plan, connections=200, timeout_s=timeout_s) as load:
        load.figures_after(0)
        end_director(lab, number)
        start(lab)
        figures = load.figures_after(1)
    lines = [
        f"restart, dpdk, {number.name}, 200 kept connections, 1 s after it included:",
        f"  pause of the echo {figures.echo_outage_ms:.0f} ms, longest silence of a kept"
        f" connection {figures.silence_ms:.0f} ms, of a new one {figures.new_longest_ms:.0f} ms",
    ]
    write_report(f"restart-dpdk-{number.name}", lines, capsys)
    assert (figures.failed, figures.moved) == ([], [])
    assert figures.answers >= 200 and figures.echoes > 0
    assert "adopted the flow table" in lab.director.log()


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(2, 1, id="fewer"), pytest.param(1, 2, id="more", marks=pytest.mark.long)],
)
def test_dpdk_flows_stay_with_other_workers_a_backend_less_and_another_seed(
    make_lab, before, after
):
    lab = make_lab(datapath="dpdk", on_stop="keep", workers=2, start_director=False)
    cpus = lab.plan.worker_cpus
    change_config(lab, f"workers = {cpus}", f"workers = {cpus[:before]}")
    start(lab)
    with KeptConnections(lab.plan, _KEPT, timeout_s=_NOBODY_FORWARDS_S) as kept:
        held = write_another_config(lab, kept)
        change_config(lab, f"workers = {cpus}", f"workers = {cpus[:after]}")
        end_director(lab, signal.SIGKILL)
        lab.start_director()
        lab.director.wait_ready(held.keys() - {max(held, key=held.get)})
        assert_all_stay(lab, kept, held, _NOBODY_FORWARDS_S)
    workers = [row for row in lab.director.status()["workers"] if row["role"] == "worker"]
    assert len(workers) == after
    assert all(row["forwarded"] for row in workers), workers


def seconds_alone(lab):
    (alone,) = json.loads(lab.director.operator_tool("status", "--json").stdout)["directors"]
    return alone["alone_s"]


def test_status_says_what_goes_on_without_guidewayd(make_lab):
    lab = make_lab(datapath="xdp", on_stop="keep")
    running = lab.director.operator_tool("status")
    assert (running.returncode, "no guidewayd runs" in running.stdout) == (0, False)
    generation = lab.director.status()["generation"]
    before = time.monotonic()
    end_director(lab, signal.SIGKILL)
    serves(lab)
    told = lab.director.operator_tool("status", "--json")
    assert told.returncode == 3, told.stderr
    answer = json.loads(told.stdout)
    assert answer["running"] is False
    (alone,) = answer["directors"]
    assert (alone["director"], alone["devices"]) == (lab.plan.director_name, [KERNEL_NIC])
    assert alone["generation"] == generation > 0
    assert sum(b["flows"] for b in alone["backends"]) == 100
    assert {b["name"] for b in alone["backends"]} == {f"web/{n}" for n in lab.plan.backend_names}
    assert alone["reasons"]["forwarded"] == sum(b["packets"] for b in alone["backends"]) > 100
    alone_s = wait_until(lambda: seconds_alone(lab), "a second without guidewayd")
    # It counts whole seconds, from a sign of life that came every second.
    assert alone_s <= time.monotonic() - before + 2
    text = lab.director.operator_tool("status")
    assert text.returncode == 3
    assert "no guidewayd runs" in text.stdout and "health is frozen" in text.stdout
    start(lab)
    assert lab.director.operator_tool("status").returncode == 0


def test_auto_takes_afxdp_and_says_why_not_dpdk(make_lab):
    lab = make_lab(datapath="afxdp", start_director=False)
    change_config(lab, 'datapath = "afxdp"', 'datapath = "auto"')
    start(lab)
    assert lab.director.status()["datapath"] == "afxdp"
    assert len(re.findall(r"datapath auto: not dpdk.*eth0", lab.director.log())) == 1
    serves(lab)


def enlarge_frames(lab):
    """The director's NIC gets an MTU that is too large for AF_XDP sockets."""
    # A peer with a native program would refuse such an MTU; generic XDP needs none there.
    run("ip", "link", "set", "director.near", "xdpdrv", "off", netns=lab.plan.netns("switch"))
    for role, link in (("director", KERNEL_NIC), ("switch", "director.near")):
        run("ip", "link", "set", link, "mtu", 4000, netns=lab.plan.netns(role))


def test_auto_takes_xdp_when_frames_are_too_large_for_sockets(make_lab):
    lab = make_lab(datapath="afxdp", start_director=False)
    change_config(lab, 'datapath = "afxdp"', 'datapath = "auto"')
    enlarge_frames(lab)
    start(lab)
    assert lab.director.status()["datapath"] == "xdp"
    assert len(re.findall("datapath auto: not afxdp.*MTU of 4000", lab.director.log())) == 1
    assert "MTU of 4000 is too large for native XDP" in lab.director.log()
    serves(lab)


def test_afxdp_refuses_frames_that_are_too_large_for_its_sockets(make_lab):
    lab = make_lab(datapath="afxdp", start_director=False)
    enlarge_frames(lab)
    refused = lab.director.run_once("--config", lab.director.config_file)
    said = error_lines(refused.stderr)
    assert (refused.returncode, len(said)) == (1, 1), refused.stderr
    assert "too large for AF_XDP sockets" in said[0]
    assert (attached_program(lab), pins(lab)) == (None, [])
