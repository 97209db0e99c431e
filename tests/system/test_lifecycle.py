# SPDX-License-Identifier: Apache-2.0
"""guidewayd's start and end: what it refuses, what it says, and that it leaves nothing behind."""

import pathlib
import time

import pytest
from checks import attached_program, change_config, end_director, error_lines, pins, vips_on_lo

from guideway_lab import huge_pages, snapshot
from guideway_lab.http_load import HttpLoad
from guideway_lab.network import KERNEL_NIC
from guideway_lab.shell import run, wait_until

_HUGE_PAGES = pathlib.Path("/proc/sys/vm/nr_hugepages")
_FREE_HUGE_PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages")


@pytest.mark.parametrize(
    ("datapath", "mode"),
    [
        ("dpdk", "vxlan"),
        ("afxdp", "l2dsr"),
        pytest.param("dpdk", "l2dsr", marks=pytest.mark.long),
        pytest.param("xdp", "l2dsr", marks=pytest.mark.long),
    ],
)
def test_sigterm_under_traffic_exits_0_and_leaves_nothing(make_lab, datapath, mode):
    lab = make_lab(start_director=False, datapath=datapath, mode=mode, on_stop="detach")
    before = snapshot.take(lab.plan)
    lab.start_director()
    lab.director.wait_ready()
    load = HttpLoad(lab.plan).start(seconds=60)
    try:
        wait_until(lambda: lab.director.forwarded() > 1000, "traffic")
        began = time.monotonic()
        exit_code = lab.stop_director()
        took = time.monotonic() - began
        assert load.poll() is None, "the load ended before guidewayd did"
    finally:
        load.kill()
        load.communicate()
    assert exit_code == 0
    assert took < 5
    assert snapshot.differences(before, snapshot.take(lab.plan)) == []


@pytest.mark.long
def test_it_starts_again_after_a_stop(lab):
    assert lab.stop_director() == 0
    lab.start_director()
    lab.director.wait_ready()
    result = HttpLoad(lab.plan).run(100)
    assert (result.failed, result.problems) == (0, [])


def test_it_starts_again_after_kill_9(lab):
    end_director(lab)
    lab.start_director()
    lab.director.wait_ready()
    result = HttpLoad(lab.plan).run(100)
    assert (result.failed, result.problems) == (0, [])


def test_a_vip_left_by_a_crash_goes_when_the_configuration_lacks_it(lab):
    assert vips_on_lo(lab)
    end_director(lab)
    assert vips_on_lo(lab), "the kernel keeps it: otherwise this shows nothing"
    text = lab.director.config_file.read_text()
    assert "[[service]]" in text
    routed = text.replace("[[service]]", '[[service]]\nvip = "routed"')
    lab.director.config_file.write_text(routed)
    lab.start_director()
    wait_until(lambda: not vips_on_lo(lab), "the VIP to be removed")


def test_a_vip_that_somebody_removes_is_put_back(lab):
    run("ip", "address", "del", f"{lab.plan.vip}/32", "dev", "lo", netns=lab.plan.netns("director"))
    wait_until(lambda: vips_on_lo(lab), "the VIP to come back")


def test_threads_have_the_capabilities_that_they_need_and_no_others(lab):
    def capabilities(task):
        words = (task / "status").read_text().split()
        return int(words[words.index("CapEff:") + 1], 16)

    tasks = pathlib.Path(f"/proc/{lab.director.process.pid}/task")
    by_name = {(task / "comm").read_text().strip(): task for task in tasks.iterdir()}
    assert capabilities(by_name["gw-helper"]) == 0
    assert capabilities(by_name["gw-aside"]) == 0
    control = capabilities(tasks / str(lab.director.process.pid))
    assert control == 1 << 12 | 1 << 13  # CAP_NET_ADMIN, CAP_NET_RAW


def test_a_second_one_of_another_name_but_the_same_socket_touches_no_vip(lab):
    file = lab.plan.run_dir / "second.toml"
    text = lab.director.config_file.read_text()
    text = text.replace(f'name = "{lab.plan.director_name}"', 'name = "second"')
    text = text.replace('/state"', '/state-of-second"')
    file.write_text(text)
    second = lab.director.run_once("--config", file)
    assert second.returncode != 0
    assert "another daemon listens" in " ".join(error_lines(second.stderr)), second.stderr
    assert vips_on_lo(lab)
    result = HttpLoad(lab.plan).run(100)
    assert (result.failed, result.problems) == (0, []), "the first one was disturbed"


def test_a_second_one_of_the_same_name_is_refused_in_one_sentence(lab):
    second = lab.director.run_once("--config", lab.director.config_file)
    assert second.returncode != 0
    said = error_lines(second.stderr)
    assert len(said) == 1, second.stderr
    assert lab.plan.director_name in said[0] and "running" in said[0]
    result = HttpLoad(lab.plan).run(100)
    assert (result.failed, result.problems) == (0, []), "the first one was disturbed"


def test_without_permission_it_says_what_to_do(make_lab):
    lab = make_lab(start_director=False)
    lab.director.config_file.chmod(0o644)
    refused = lab.director.run_once("--config", lab.director.config_file, user="nobody")
    assert refused.returncode != 0
    said = error_lines(refused.stderr)
    assert len(said) == 1, refused.stderr
    assert "root" in said[0]


def refused_in_one_sentence(lab, *wrapper):
    """Why guidewayd, run by this command, does not start; nothing of it is left."""
    refused = lab.director.run_once("--config", lab.director.config_file, wrapper=wrapper)
    said = error_lines(refused.stderr)
    assert (refused.returncode, len(said)) == (1, 1), refused.stderr
    assert (attached_program(lab), pins(lab), vips_on_lo(lab)) == (None, [], [])
    return said[0]


def test_without_the_permission_to_load_programs_it_names_the_capability(make_lab):
    lab = make_lab(start_director=False, datapath="xdp")
    few = "-all,+net_admin,+net_raw,+ipc_lock"
    wrapper = ("setpriv", f"--bounding-set={few}", "--inh-caps=-all", "--no-new-privs")
    assert "CAP_BPF" in refused_in_one_sentence(lab, *wrapper)


def test_too_old_a_kernel_is_refused_with_what_is_needed(make_lab):
    lab = make_lab(start_director=False, datapath="xdp")
    said = refused_in_one_sentence(lab, "setarch", "--uname-2.6")
    assert "too old" in said and "6.1" in said


def start_with_device(lab, device):
    """Runs guidewayd with another NIC than the lab's; it is expected to end by itself."""
    text = lab.director.config_file.read_text()
    lab.director.config_file.write_text(text.replace("vdev:net_tap0,iface=nic0", device))
    return lab.director.run_once("--config", lab.director.config_file)


def test_a_kernel_interface_is_refused_with_the_datapaths_that_are_for_it(make_lab):
    lab = make_lab(start_director=False)
    refused = start_with_device(lab, "eth0")
    assert refused.returncode != 0
    said = " ".join(error_lines(refused.stderr))
    assert "afxdp" in said and "xdp" in said, refused.stderr


def test_a_missing_device_is_refused_in_one_sentence(make_lab):
    lab = make_lab(start_director=False)
    refused = start_with_device(lab, "pci:0000:ff:1f.7")
    assert refused.returncode != 0
    said = error_lines(refused.stderr)
    assert len(said) == 1, refused.stderr
    assert "0000:ff:1f.7" in said[0]


def test_a_missing_kernel_interface_is_refused_in_one_sentence(make_lab):
    lab = make_lab(start_director=False, datapath="xdp")
    change_config(lab, f'device = "{KERNEL_NIC}"', 'device = "eth9"')
    said = refused_in_one_sentence(lab)
    assert "there is no network device eth9" in said and "`ip link`" in said


def test_without_huge_pages_it_runs_and_says_so(make_lab, huge_pages_set):
    huge_pages_set(0)
    lab = make_lab()
    assert lab.director.status()["memory"].startswith("no huge pages: ")


def test_with_huge_pages_it_uses_them_and_gives_them_back(make_lab, huge_pages_set):
    huge_pages_set(1024)
    lab = make_lab(start_director=False)
    before = snapshot.take(lab.plan)
    lab.start_director()
    lab.director.wait_ready()
    memory = lab.director.status()["memory"]
    assert memory.startswith("huge pages (2 MB); flow table: small pages, since no huge"), memory
    result = HttpLoad(lab.plan).run(100)
    assert (result.failed, result.problems) == (0, [])
    assert lab.stop_director() == 0
    assert snapshot.differences(before, snapshot.take(lab.plan)) == []


def test_a_flow_table_on_huge_pages_is_adopted_and_goes_with_the_lab(make_lab, huge_pages_set):
    huge_pages_set(1024)
    with huge_pages.mounted() as place:
        lab = make_lab(start_director=False, on_stop="keep")
        lab.start_director()
        lab.director.wait_ready()
        end_director(lab)
        lab.start_director()
        lab.director.wait_ready()
        memory = lab.director.status()["memory"]
        assert memory == "huge pages (2 MB); flow table: huge pages (2 MB)"
        assert "cannot be adopted" not in lab.director.log()
        assert (place / f"guideway-{lab.plan.director_name}" / "flows").exists()
        end_director(lab)
        lab.down()
        assert list(place.iterdir()) == []


@pytest.fixture
def huge_pages_set():
    """Sets the number of free huge pages, and the old total again after the test.

    Those that others use stay theirs.
    """
    before = int(_HUGE_PAGES.read_text())

    def set_count(count):
        def is_set():
            in_use = int(_HUGE_PAGES.read_text()) - int(_FREE_HUGE_PAGES.read_text())
            # Again each time: the kernel gives as many as it has in one piece at that moment.
            _HUGE_PAGES.write_text(str(in_use + count))
            free = int(_FREE_HUGE_PAGES.read_text())
            return free >= count if count else free == 0

        wait_until(is_set, f"{count} free huge pages of 2 MB")

    yield set_count
    _HUGE_PAGES.write_text(str(before))
