# SPDX-License-Identifier: Apache-2.0
"""Worlds: a configuration as an operator would write it, and what the kernel says about next hops."""

import dataclasses
import ipaddress
import tomllib

ROUTER = "02:00:00:00:00:fe"    # who sends us packets
OUR_WAN = "02:00:00:00:00:01"
OUR_LAN = "02:00:00:00:00:02"

CLIENT = {4: "192.0.2.7", 6: "2001:db8:7::7"}
VIP = {4: "203.0.113.10", 6: "2001:db8:203::10"}
OTHER = {4: "203.0.113.99", 6: "2001:db8:203::99"}  # nobody's
BACKEND = {4: "10.0.0.11", 6: "fd00::11"}
SOURCE = {4: "10.0.0.1", 6: "fd00::1"}

HEAD = """\
schema = 1
[director]
datapath = "dpdk"
hash_seed = "00112233445566778899aabbccddeeff"
[[interface]]
name = "wan"
device = "vdev:net_null0"
[[interface]]
name = "lan"
device = "vdev:net_null1"
"""


@dataclasses.dataclass
class World:
    """A configuration and the next hops of its backends."""
    name: str
    config: str
    next_hops: dict

    def __post_init__(self):
        self.parsed = tomllib.loads(self.config)

    @property
    def seed(self):
        return bytes.fromhex(self.parsed["director"]["hash_seed"])

    def pool(self, name):
        return next(pool for pool in self.parsed["pool"] if pool["name"] == name)

    def service(self, name):
        return next(service for service in self.parsed["service"] if service["name"] == name)

    def to_json(self):
        return {"config": self.config.splitlines(), "next_hops": self.next_hops}


def pool(name="web", forwarding="l2dsr", backends=None, table_size=251, **more):
    """Text of a pool. `backends`: addresses or (name, address, extra text)."""
    lines = ["[[pool]]", f'name = "{name}"', f'forwarding = "{forwarding}"', f"table_size = {table_size}"]
    if forwarding == "vxlan":
        lines.append('vxlan = { vni = 100, port = 4789, inner_mac = "02:67:77:00:00:01" }')
    lines += [f"{key} = {value}" for key, value in more.items()]
    lines.append("backends = [")
    for backend in backends or [("b1", BACKEND[4], "")]:
        lines.append(f'  {{ name = "{backend[0]}", address = "{backend[1]}"{backend[2]} }},')
    lines.append("]")
    return "\n".join(lines) + "\n"


def service(name, family=4, protocol="tcp", port=80, to="web", address=None, **more):
    """Text of a service."""
    lines = ["[[service]]", f'name = "{name}"', f'address = "{address or VIP[family]}"',
             f'protocol = "{protocol}"', f"port = {port}", f'pool = "{to}"']
    lines += [f'{key} = "{value}"' for key, value in more.items()]
    return "\n".join(lines) + "\n"


def ctag(vlan):
    """A customer tag: IEEE 802.1Q's own EtherType."""
    return {"id": vlan, "protocol": "8100"}


def stag(vlan):
    """A service tag (802.1ad)."""
    return {"id": vlan, "protocol": "88a8"}


def next_hop(number=11, **more):
    """What the kernel says: reachable through interface lan."""
    hop = {"mac": f"02:00:00:00:00:{number:02x}", "source_mac": OUR_LAN, "interface": "lan",
           "vlans": [], "mtu": 1500}
    hop.update(more)
    return hop


def hops(*addresses, **more):
    """Next hops of these backends (default: b1's two addresses), with the source the kernel prefers."""
    result = {}
    for i, address in enumerate(addresses or BACKEND.values()):
        family = ipaddress.ip_address(address).version
        result[address] = next_hop(0x11 + i, preferred_source=SOURCE[family], **more)
    return result


def unresolved(*addresses):
    return {address: {"state": "failed"} for address in addresses or BACKEND.values()}


def services_for_all(to="web", **more):
    """One service a family and protocol: tcp4, udp4, tcp6, udp6, on port 80."""
    return "".join(service(f"{protocol}{family}", family, protocol, to=to, **more)
                   for family in (4, 6) for protocol in ("tcp", "udp"))


def world(name, *parts, next_hops=None, director=""):
    """`director`: further lines of [director]."""
    head = HEAD.replace("[[interface]]", director + "\n[[interface]]", 1) if director else HEAD
    return World(name, head + "".join(parts), hops() if next_hops is None else next_hops)
