# SPDX-License-Identifier: Apache-2.0
"""Floods of strangers' SYNs, ACKs and datagrams, beside connections that go on: none notices."""

import pathlib
import re

import pytest
from checks import assert_every_packet_has_an_end, mostly_long, write_report

from guideway_lab.kept_connections import KeptConnections, disturbed
from guideway_lab.pktgen import FLOODS, Pktgen, result_of
from guideway_lab.shell import ip_batch

# Of pktgen's clients. The backends answer none of them: the flood is for Guideway alone.
_STRANGERS = "198.18.0.0/15"
_RATE_PPS = 200_000
_PAUSE_MS = 1000  # between two requests of a connection
# With --long, whose programs have no AddressSanitizer: it holds back what was freed.
_MEMORY_KB = 1024


def resident_kb(lab):
    """The memory that guidewayd has in RAM."""
    status = pathlib.Path(f"/proc/{lab.director.process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


@pytest.mark.parametrize("datapath", mostly_long(("dpdk", "afxdp", "xdp"), "dpdk"))
def test_floods_beside_kept_connections(make_lab, datapath, is_long, capsys):
    connections, seconds = (1000, 20) if is_long else (200, 2)
    lab = make_lab(datapath=datapath)
    for name in lab.plan.backend_names:
        ip_batch(lab.plan.netns(name), [f"route add blackhole {_STRANGERS}"])
    pktgen = Pktgen(lab)
    report = [f"{datapath}: floods of {seconds} s beside {connections} kept connections"]
    with KeptConnections(lab.plan, connections, _PAUSE_MS) as kept:
        if is_long:  # every packet buffer has been used once
            with pktgen.flooding("syn", _RATE_PPS, 5) as process:
                result_of(process)
        for flood in FLOODS:
            before, memory = lab.director.forwarded(), resident_kb(lab)
            with pktgen.flooding(flood, _RATE_PPS, seconds) as process:
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
    write_report(f"floods-{datapath}", report, capsys)
    assert_every_packet_has_an_end(lab)
