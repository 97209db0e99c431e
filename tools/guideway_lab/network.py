# SPDX-License-Identifier: Apache-2.0
"""Namespaces, bridges and cables of a lab; the director's NIC is made by guidewayd itself.

Every link is made inside its namespace, so deleting the namespaces deletes the links.
"""

import os

from guideway_lab.plan import VXLAN, netns_prefix
from guideway_lab.shell import LabError, ip_batch, ip_json, run, sysctl, wait_until

# The director's NIC is a TAP device of DPDK's. Its kernel side starts in the director's namespace
# and is moved into the switch: it is the cable.
NIC = "nic0"
# The other datapaths have an ordinary interface.
KERNEL_NIC = "eth0"
_NIC_MAC = "02:67:77:00:ff:01"
# Room for the outer headers in the NIC's MTU of 1500: most tests are not about path MTU discovery.
_TUNNEL_MTU = 1400

# Addresses are used at once, and packets may come and go by different ways.
_COMMON_SYSCTLS = {
    "net.ipv6.conf.all.accept_dad": 0,
    "net.ipv6.conf.default.accept_dad": 0,
    "net.ipv6.conf.default.accept_ra": 0,
    "net.ipv4.conf.all.rp_filter": 0,
    "net.ipv4.conf.default.rp_filter": 0,
}
_ROLE_SYSCTLS = {
    # A bridge needs no IPv6 address, and one that has some sends packets of its own.
    "switch": {"net.ipv6.conf.all.disable_ipv6": 1, "net.ipv6.conf.default.disable_ipv6": 1},
    "router": {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1},
    # Tens of thousands of connections, one after the other.
    "client": {"net.ipv4.ip_local_port_range": "1024 65535", "net.ipv4.tcp_tw_reuse": 1},
    # The VIP is on lo, and only the director may answer for it.
    "backend": {"net.ipv4.conf.all.arp_ignore": 1, "net.ipv4.conf.all.arp_announce": 2},
}


def build(plan):
    """Makes everything, but not a NIC of DPDK's."""
    for role in plan.roles:
        netns = plan.netns(role)
        run("ip", "netns", "add", netns)
        sysctl(netns, _COMMON_SYSCTLS | _ROLE_SYSCTLS.get(role.rstrip("0123456789"), {}))
        ip_batch(netns, ["link set lo up"])
    _add_bridge(plan, "near")
    _add_client(plan)
    if plan.kernel_nic:
        _attach(plan, "director", "near", plan.director_address, KERNEL_NIC, plan.workers)
    if plan.routed:
        _add_bridge(plan, "far")
        _add_router(plan)
    for name in plan.backend_names:
        _add_backend(plan, name)


def plug_in_nic(plan):
    """Moves the kernel side of the director's NIC into the switch, while DPDK holds the other side.

    DPDK gave both sides one MAC. A bridge keeps frames for a port's own MAC to itself, so the cable
    gets another one; the director's side keeps what it has.
    """
    director, switch = plan.netns("director"), plan.netns("switch")
    if not plan.kernel_nic:
        ip_batch(director, [f"link set {NIC} netns {switch}"])
        ip_batch(switch, [f"link set {NIC} address {_NIC_MAC}", f"link set {NIC} master near up"])
    if plan.routed:
        via = plan.router_addresses[0]
        ip_batch(director, [f"route replace {plan.far_network} via {via}"])


def existing_namespaces(lab_name):
    """The lab's namespaces by their names alone, whatever became of its state."""
    prefix = netns_prefix(lab_name)
    try:
        # A role has no hyphen, so "a" does not own what "a-b" owns.
        return sorted(
            name
            for name in os.listdir("/run/netns")
            if name.startswith(prefix) and "-" not in name[len(prefix) :]
        )
    except FileNotFoundError:
        return []


def namespace_pids(netns):
    """The processes that run in a namespace."""
    return [int(pid) for pid in run("ip", "netns", "pids", netns, check=False).stdout.split()]


def remove(netns):
    run("ip", "netns", "del", netns)


def link_names(netns):
    """The network links of a namespace, sorted."""
    return sorted(link["ifname"] for link in ip_json(netns, "link", "show"))


def _add_bridge(plan, segment):
    # Snooping would hold back neighbour discovery until a querier spoke.
    ip_batch(
        plan.netns("switch"),
        [f"link add {segment} type bridge mcast_snooping 0", f"link set {segment} up"],
    )


def set_queues(plan, count):
    """Gives the director's NIC, a kernel interface, so many queues: at most plan.workers.

    With an XDP program on either side, a side may not send by more queues than the other receives.
    """
    ends = (("director", KERNEL_NIC), ("switch", "director.near"))
    now = _receive_queues(plan)
    for direction in ("rx", "tx") if count > now else ("tx", "rx"):
        for role, link in ends:
            _set_channels(plan.netns(role), link, direction, count)


def _set_channels(netns, link, direction, count):
    """The kernel gives an AF_XDP socket's queue free some time after its process has ended."""

    def is_set():
        done = run("ethtool", "-L", link, direction, count, netns=netns, check=False)
        if done.returncode != 0 and "AF_XDP sockets" not in done.stderr:
            raise LabError(f"ethtool -L {link} {direction} {count}: {done.stderr.strip()}")
        return done.returncode == 0

    wait_until(is_set, f"{link} in {netns} to take {count} {direction} queues")


def bridge_nic(plan):
    """Puts a bridge, whose driver has no native XDP, in the place of the director's NIC.

    REQUIRES: guidewayd does not run, the lab is not routed.
    """
    netns, cable = plan.netns("director"), "cable0"
    ip_batch(
        netns,
        [
            f"link set {KERNEL_NIC} down",
            f"address flush dev {KERNEL_NIC}",
            f"link set {KERNEL_NIC} name {cable}",
            f"link add {KERNEL_NIC} type bridge mcast_snooping 0",
            f"link set {cable} master {KERNEL_NIC} up",
        ],
    )
    run("ethtool", "-K", KERNEL_NIC, "tx", "off", netns=netns)
    own = _add_address(plan.director_address, plan.prefix_length, KERNEL_NIC)
    ip_batch(netns, [f"link set {KERNEL_NIC} up", own])


def set_cable(plan, state):
    """Unplugs the director's cable, "down", or plugs it in again, "up"."""
    ip_batch(plan.netns("switch"), [f"link set director.near {state}"])


def _receive_queues(plan):
    listed = run("ethtool", "-l", KERNEL_NIC, netns=plan.netns("director")).stdout
    current = listed.partition("Current hardware settings:")[2].split("RX:")[1]
    return int(current.split()[0])


def retransmit_quickly(plan):
    """A lost TCP segment is sent again after 5 ms: else Linux waits for 200, whoever lost it."""
    for role in ("client", *plan.backend_names):
        netns = plan.netns(role)
        routes = run("ip", "-n", netns, f"-{plan.family}", "route", "show", "dev", "eth0").stdout
        lines = [line.strip() for line in routes.splitlines() if not line.startswith("fe80")]
        changes = [f"route change {line} dev eth0 rto_min 5ms" for line in lines]
        run("ip", "-n", netns, f"-{plan.family}", "-batch", "-", input="\n".join(changes) + "\n")


def pass_on_cable(plan, program):
    """Lets the director's cable take what an XDP program on its NIC sends: see bpf/pass.bpf.c."""
    port = "director.near"
    words = ("link", "set", port, "xdpdrv", "object", program, "section", "xdp")
    run("ip", *words, netns=plan.netns("switch"))


def _attach(plan, role, segment, address, link="eth0", queues=1):
    """Plugs a role into a segment and gives it an address."""
    netns, port = plan.netns(role), f"{role}.{segment}"
    ip_batch(
        plan.netns("switch"),
        [
            f"link add {port} numtxqueues {queues} numrxqueues {queues} type veth"
            f" peer name {link} numtxqueues {queues} numrxqueues {queues} netns {netns}",
            f"link set {port} master {segment} up",
        ],
    )
    # The director reads frames from a TAP device or by XDP: checksums have to be in them.
    run("ethtool", "-K", link, "tx", "off", netns=netns)
    run("ethtool", "-K", port, "tx", "off", netns=plan.netns("switch"))
    ip_batch(netns, [f"link set {link} up", _add_address(address, plan.prefix_length, link)])


def _add_client(plan):
    netns = plan.netns("client")
    _attach(plan, "client", "near", plan.client_address)
    ip_batch(netns, [_add_address(a, plan.prefix_length, "eth0") for a in plan.client_addresses])
    if plan.routed:
        via = plan.router_addresses[0]
        ip_batch(
            netns, [f"link set eth0 mtu {_TUNNEL_MTU}", f"route add {plan.far_network} via {via}"]
        )


def _add_router(plan):
    near, far = plan.router_addresses
    _attach(plan, "router", "near", near, "near")
    _attach(plan, "router", "far", far, "far")


def _add_backend(plan, name):
    netns = plan.netns(name)
    _attach(plan, name, "far" if plan.routed else "near", plan.backend_address(name))
    if plan.mode != "nat":
        ip_batch(netns, [_add_address(plan.vip, plan.host_length, "lo")])
    if plan.routed:
        ip_batch(netns, [f"route add default via {plan.router_addresses[1]}"])
    if plan.mode == "vxlan":
        ip_batch(netns, [_vxlan_device(plan, name), "link set vxlan0 up"])


def _vxlan_device(plan, name):
    # `local` decides the outer family. The outer UDP checksum is zero, which IPv6 has to permit.
    permit = " udp6zerocsumrx" if plan.family == 6 else ""
    return (
        f"link add vxlan0 address {VXLAN['inner_mac']} type vxlan"
        f" local {plan.backend_address(name)} id {VXLAN['vni']} dstport {VXLAN['port']}"
        f" nolearning{permit}"
    )


def _add_address(address, length, link):
    nodad = " nodad" if ":" in address else ""
    return f"address add {address}/{length} dev {link}{nodad}"
