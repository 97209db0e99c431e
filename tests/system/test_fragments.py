# SPDX-License-Identifier: Apache-2.0
"""Datagrams that do not fit the tunnel and may be fragmented: workers fragment them, the XDP program drops them."""

import sys

import pytest
from checks import assert_every_packet_has_an_end
from test_icmp import reasons

from guideway_lab.measured_load import start_echo_servers
from guideway_lab.plan import ECHO_PORT
from guideway_lab.shell import ip_batch, run, wait_until

_COUNT = 8
_PAYLOAD = 1460  # 1,488 bytes with headers: 1,508 in a tunnel

# Sends datagrams without DF, and prints how many came back whole.
_ASK = """\
import socket, sys
address, port, count, size = sys.argv[1], *map(int, sys.argv[2:5])
answered = 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT
    client.connect((address, port))
    client.settimeout(float(sys.argv[5]))
    for number in range(count):
        datagram = bytes((number + index) % 251 for index in range(size))
        client.send(datagram)
        try:
            answered += client.recv(4096).endswith(datagram)
        except TimeoutError:
            pass
print(answered)
"""


def answered(lab, timeout_s):
    """How many of _COUNT datagrams the backend got whole, and answered."""
    command = (sys.executable, "-c", _ASK, lab.plan.vip, ECHO_PORT, _COUNT, _PAYLOAD, timeout_s)
    return int(run(*command, netns=lab.plan.netns("client"), timeout=60).stdout)


@pytest.mark.parametrize(
    ("datapath", "mode"),
    [
        ("dpdk", "ipip"),
        ("xdp", "ipip"),
        pytest.param("afxdp", "vxlan", marks=pytest.mark.long),
        pytest.param("dpdk", "gue", marks=pytest.mark.long),
    ],
)
def test_datagrams_without_df_through_a_tunnel(make_lab, datapath, mode):
    """The path behind the director takes 1,500 bytes, outer header included."""
    lab = make_lab(datapath=datapath, mode=mode, backends=1)
    ip_batch(lab.plan.netns("client"), ["link set eth0 mtu 1500"])
    start_echo_servers(lab.plan)
    before = reasons(lab)
    noted = lab.director.run_once("--check", lab.director.config_file).stderr
    assert ("note: director.on_too_big: " in noted) == (datapath != "dpdk")
    if datapath == "xdp":
        assert answered(lab, timeout_s=0.02) == 0
        wait_until(
            lambda: (reasons(lab) - before)["mtu_exceeded"] == _COUNT, "all to be counted as dropped"
        )
        return
    assert answered(lab, timeout_s=5) == _COUNT
    counted = reasons(lab) - before
    assert counted["packets_fragmented"] == _COUNT
    assert counted["fragments_sent"] == 2 * _COUNT
    assert counted["mtu_exceeded"] == 0
    assert_every_packet_has_an_end(lab)
