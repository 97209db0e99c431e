# SPDX-License-Identifier: Apache-2.0
"""Floods of strangers' SYNs, ACKs and datagrams, beside connections that go on: none notices."""

import pathlib
import re

import pytest
from checks import assert_every_packet_has_an_end, write_report

from guideway_lab.kept_connections import KeptConnections, disturbed
from guideway_lab.pktgen import FLOODS, Pktgen, result_of
from guideway_lab.shell import ip_batch

# Of pktgen's clients. The backends' answers go nowhere: the flood is for Guideway alone.
_STRANGERS = "198.18.0.0/15"
_RATE_PPS = 200_000
# A TAP hands packets over one by one, some 90,000 a second: with more it is the device that is full,
# and nobody behind it can choose what is lost.
_RATE_OF_A_TAP_PPS = 50_000
# Backends answer what NAT brings them, so there is as much to carry again, and nginx's share.
_PART_WITH_NAT = 0.4
_PAUSE_MS = 1000  # between two requests of a connection
# With --long, whose programs have no AddressSanitizer: it holds back what was freed.
_MEMORY_KB = 1024


def resident_kb(lab):
    """The memory that guidewayd has in RAM."""
    status = pathlib.Path(f"/proc/{lab.director.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


def ways():
    """With nat, nginx and its answers need more CPU than a faster device than a TAP leaves here."""
    yield pytest.param("dpdk", "l2dsr")
    for way in (("afxdp", "l2dsr"), ("xdp", "l2dsr"), ("dpdk", "nat")):
        yield pytest.param(*way, marks=pytest.mark.long)


@pytest.mark.parametrize(("datapath", "mode"), ways())
def test_floods_beside_kept_connections(make_lab, datapath, mode, is_long, capsys):
    connections, seconds = (1000, 20) if is_long else (200, 2)
    rate = _RATE_OF_A_TAP_PPS if datapath == "dpdk" else _RATE_PPS
    rate = int(rate * _PART_WITH_NAT) if mode == "nat" else rate
    lab = make_lab(datapath=datapath, mode=mode)
    for name in lab.plan.backend_names:
        ip_batch(lab.plan.netns(name), [f"route add blackhole {_STRANGERS}"])
    pktgen = Pktgen(lab)
    report = [f"{datapath}, {mode}: floods of {seconds} s beside {connections} kept connections"]
    with KeptConnections(lab.plan, connections, _PAUSE_MS) as kept:
        if is_long:  # every packet buffer has been used once
            with pktgen.flooding("syn", rate, 5) as process:
                result_of(process)
        for flood in FLOODS:
            before, memory = lab.director.forwarded(), resident_kb(lab)
            with pktgen.flooding(flood, rate, seconds) as process:
                _, result = result_of(process)
            now = kept.wait_for_answers(1)
            assert disturbed(now) == [], flood
            grown = resident_kb(lab) - memory
            report.append(
                f"  {flood}: {result['sent_pps']:.0f} packets/s sent, {lab.director.forwarded() - before}"
                f" forwarded; 0 of {len(now)} connections failed or moved; memory {grown:+d} kB"
            )
            assert lab.director.forwarded() - before > result["sent"] / 100, "it did not come through"
            assert not is_long or abs(grown) <= _MEMORY_KB, flood
    write_report(f"floods-{datapath}-{mode}", report, capsys)
    assert_every_packet_has_an_end(lab)
