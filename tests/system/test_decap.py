# SPDX-License-Identifier: Apache-2.0
"""guideway-decap on a real stack: packets made by scapy and by the kernel's own VXLAN device."""

import pytest
from decap_site import BACKEND, CLIENT, DIRECTOR, PORT, STRANGER, VIP, DecapSite
from scapy.layers.inet import GRE, IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw

from guideway_lab.shell import ip_batch, run, wait_until

_KINDS = ("ipip", "gre", "gre-key", "gue0", "gue1", "vxlan")
_INNER_MAC = "02:67:77:00:00:01"


@pytest.fixture(scope="module", params=["native", "generic"])
def site(request):
    with DecapSite(request.param) as made:
        yield made


def layer(family, source, destination):
    return (IP if family == 4 else IPv6)(src=source, dst=destination)


def inner_packet(family, source_port, text, source=None):
    datagram = UDP(sport=source_port, dport=PORT) / Raw(text.encode())
    return layer(family, source or CLIENT[family], VIP[family]) / datagram


def tunnelled(site, kind, outer, inner, source=None):
    """The frame that a director would send."""
    ethernet = Ether(src=site.mac(site.sender), dst=site.mac(site.backend))
    headers = ethernet / layer(outer, source or DIRECTOR[outer], BACKEND[outer])
    if kind == "ipip":
        return headers / inner
    if kind == "gre":
        return headers / GRE() / inner
    if kind == "gre-key":
        return headers / GRE(key_present=1, key=7) / inner
    if kind == "vxlan":
        frame = Ether(src="02:67:77:00:00:02", dst=_INNER_MAC) / inner
        return headers / UDP(sport=50000, dport=4789, chksum=0) / VXLAN(vni=100) / frame
    gue = b"" if kind == "gue1" else bytes([0, 4 if IP in inner else 41, 0, 0])
    return headers / UDP(sport=50000, dport=6080, chksum=0) / Raw(gue + bytes(inner))


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("outer", [4, 6])
@pytest.mark.parametrize("family", [4, 6])
def test_the_vip_answers_what_came_through_a_tunnel(site, kind, outer, family):
    before = site.packets("decapsulated")
    port, text = 40000 + _KINDS.index(kind), f"{kind} {family} in {outer}"
    frame = tunnelled(site, kind, outer, inner_packet(family, port, text))
    assert site.exchange(frame, family, port) == (VIP[family], text)
    assert site.packets("decapsulated") == before + 1


@pytest.mark.parametrize("reason", ["source_not_allowed", "inner_source_own", "inner_source_martian"])
def test_forged_packets_are_counted_and_not_answered(site, reason):
    inner_source = {"inner_source_own": BACKEND[4], "inner_source_martian": "127.0.0.1"}.get(reason)
    outer_source = STRANGER[4] if reason == "source_not_allowed" else None
    inner = inner_packet(4, 40100, "forged", inner_source)
    before, handed_over = site.packets(reason), site.packets("decapsulated")
    site.send(tunnelled(site, "gre", 4, inner, outer_source))
    wait_until(lambda: site.packets(reason) == before + 1, f"the counter {reason}")
    assert site.packets("decapsulated") == handed_over


@pytest.fixture
def kernel_tunnel(site):
    """Makes the sender's kernel send to the VIPs through a VXLAN device of its own."""

    def make(outer):
        routes = [f"neigh add {VIP[f]} lladdr {_INNER_MAC} dev vx nud permanent" for f in (4, 6)]
        routes += [f"route add {VIP[f]} dev vx src {CLIENT[f]}" for f in (4, 6)]
        ends = f"local {DIRECTOR[outer]} remote {BACKEND[outer]} dev eth0"
        device = f"link add vx type vxlan id 100 {ends} dstport 4789 nolearning"
        ip_batch(site.sender, [device, "link set vx up mtu 1400"])
        run("ethtool", "-K", "vx", "tx", "off", netns=site.sender)
        ip_batch(site.sender, routes)

    yield make
    run("ip", "-n", site.sender, "link", "del", "vx", check=False)


@pytest.mark.parametrize("outer", [4, 6])
@pytest.mark.parametrize("family", [4, 6])
def test_the_kernels_own_vxlan_is_ended(site, kernel_tunnel, outer, family):
    kernel_tunnel(outer)
    before = site.packets("decapsulated")
    answered, _ = site.ask(family, 20, size=1300).communicate(timeout=60)
    assert answered.strip() == "20"
    assert site.packets("decapsulated") == before + 20


def test_no_packet_is_lost_while_the_program_is_replaced(site, kernel_tunnel):
    kernel_tunnel(4)
    replacements = 0
    while replacements < 3:
        before = site.packets("decapsulated")
        asking = site.ask(4, 2000)
        while asking.poll() is None:
            assert "replaced" in site.attach().stdout
            replacements += 1
        answered = asking.communicate()[0].strip()
        assert (answered, site.packets("decapsulated") - before) == ("2000", 2000)


def test_everything_else_passes(site):
    for family in (4, 6):
        ping = ("ping", "-c", "5", "-i", "0.01", "-W", "5", BACKEND[family])
        assert "5 received" in run(*ping, netns=site.sender).stdout


def test_what_is_detached_ends_nothing(site):
    site.tool("detach")
    try:
        gone = site.tool("status", check=False)
        assert (gone.returncode, gone.stdout) == (3, "eth0: no decapsulator is attached\n")
        assert "prog" not in run("ip", "link", "show", "eth0", netns=site.backend).stdout
    finally:
        site.attach()
