# SPDX-License-Identifier: Apache-2.0
"""ICMP at the VIP: it is pinged and traced, and clients learn the MTU behind it."""

import collections
import json
import re
import sys

import pytest
from checks import assert_every_packet_has_an_end

from guideway_lab.plan import PORT
from guideway_lab.shell import ip_batch, ip_json, run

# Uploads so many bytes and prints how it went: the longest time without progress, and the answer.
_UPLOAD = """\
import json, socket, sys, time
address, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
request = f"POST /upload HTTP/1.1\\r\\nHost: vip\\r\\nConnection: close\\r\\nContent-Length: {size}\\r\\n\\r\\n"
with socket.create_connection((address, port), timeout=20) as connection:
    # The kernel's buffer must not hide a pause.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    connection.sendall(request.encode())
    chunk, longest, last = bytes(16384), 0.0, time.monotonic()
    while size > 0:
        size -= connection.send(chunk[:size])
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    answer = b""
    while part := connection.recv(65536):
        answer += part
    longest = max(longest, time.monotonic() - last)
print(json.dumps({"longest_s": longest, "status": answer.split()[1].decode()}))
"""


def reasons(lab):
    """Packets by reason and by event, of all workers together."""
    sums = collections.Counter()
    for row in lab.director.status()["workers"]:
        sums.update(row["reasons"])
        sums.update(row["events"])
    return sums


@pytest.mark.parametrize(
    ("datapath", "mode", "family"),
    [
        ("dpdk", "l2dsr", 4),
        ("xdp", "ipip", 6),
        ("afxdp", "l2dsr", 4),
        pytest.param("dpdk", "vxlan", 6, marks=pytest.mark.long),
        pytest.param("xdp", "l2dsr", 4, marks=pytest.mark.long),
        pytest.param("afxdp", "ipip", 6, marks=pytest.mark.long),
    ],
)
def test_a_vip_is_pinged_and_traced(make_lab, datapath, mode, family):
    lab = make_lab(datapath=datapath, mode=mode, family=family, backends=1)
    client, vip = lab.plan.netns("client"), lab.plan.vip
    before = reasons(lab)
    for size in (0, 56, 1300):
        pinged = run("ping", "-n", "-c", "3", "-i", "0.05", "-W", "2", "-s", size, vip, netns=client)
        assert "3 received, 0% packet loss" in pinged.stdout
        assert "ttl=64" in pinged.stdout or size < 16
    counted = reasons(lab) - before
    assert counted["echo_answered"] == 9
    trace = run(
        *("traceroute", f"-{family}", "-n", "-T", "-p", PORT, "-q", "1", "-w", "2", "-N", "1", vip),
        netns=client,
    )
    hops = re.findall(r"^ *(\d+)  (\S+)", trace.stdout, re.MULTILINE)
    # The director, which answers from the VIP, and behind it the server, whose address that is.
    assert hops == [("1", vip), ("2", vip)], trace.stdout
    assert (reasons(lab) - before)["time_exceeded_sent"] == 1
    assert_every_packet_has_an_end(lab)


@pytest.mark.parametrize(
    ("datapath", "mode", "family"),
    [
        ("dpdk", "ipip", 4),
        ("xdp", "vxlan", 6),
        ("afxdp", "vxlan", 4),
        pytest.param("dpdk", "vxlan", 6, marks=pytest.mark.long),
        pytest.param("afxdp", "gue", 6, marks=pytest.mark.long),
        pytest.param("xdp", "gre", 4, marks=pytest.mark.long),
    ],
)
def test_an_upload_learns_the_mtu_of_the_tunnel(make_lab, is_long, datapath, mode, family):
    """The client's packets have 1,500 bytes, and so has the path behind the director, outer header included."""
    lab = make_lab(datapath=datapath, mode=mode, family=family, backends=1)
    client, vip = lab.plan.netns("client"), lab.plan.vip
    ip_batch(client, ["link set eth0 mtu 1500"])
    size = 100_000_000 if is_long else 10_000_000
    command = (sys.executable, "-c", _UPLOAD, vip, PORT, size)
    result = json.loads(run(*command, netns=client, timeout=120).stdout)
    assert result["status"] == "200"
    assert result["longest_s"] < 1, result
    counted = reasons(lab)
    assert counted["too_big_sent"] > 0
    assert counted["mtu_exceeded"] == 0
    overhead = {"ipip": 0, "gre": 4, "gue": 12, "vxlan": 30}[mode] + (20 if family == 4 else 40)
    route = ip_json(client, f"-{family}", "route", "get", vip)[0]
    assert route["metrics"][0]["mtu"] == 1500 - overhead
    assert_every_packet_has_an_end(lab)
