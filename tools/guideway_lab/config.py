# SPDX-License-Identifier: Apache-2.0
"""Writes guidewayd's configuration for a lab."""

import dataclasses

from guideway_lab import metrics
from guideway_lab.network import KERNEL_NIC, NIC
from guideway_lab.plan import ECHO_PORT, PORT, VXLAN


@dataclasses.dataclass(frozen=True)
class Backend:
    """One line of the pool."""

    name: str
    address: str
    weight: int = 100
    state: str = "enabled"


def pool_of(plan):
    """All the lab's backends, alike."""
    return [Backend(name, plan.backend_address(name)) for name in plan.backend_names]


def _entry(b, plan):
    port = f" port = {PORT}," if plan.mode == "nat" else ""
    return (
        f'{{ name = "{b.name}", address = "{b.address}",{port}'
        f' weight = {b.weight}, state = "{b.state}" }}'
    )


def _interface(plan):
    if plan.kernel_nic:
        return f'device = "{KERNEL_NIC}"'
    return (
        f'device = "vdev:net_tap0,iface={NIC}"\n'
        f'addresses = ["{plan.director_address}/{plan.prefix_length}"]'
    )


_HEALTH_REQUEST = {
    "http": f'port = {PORT}\n  path = "/api/v1/health"',
    "tcp": f"port = {PORT}",
    "ping": "",
}


def _health_check(plan):
    if not plan.health_interval:
        return ""
    return f"""
  [pool.health_check]
  protocol = "{plan.health_protocol}"
  {_HEALTH_REQUEST[plan.health_protocol]}
  interval = "{plan.health_interval}"
  timeout = "180ms"
  healthy_threshold = 2
  unhealthy_threshold = 2
  {plan.health_keys}
"""


def _echo_service(plan):
    """With nat the pool's port is the web servers'."""
    if plan.mode == "nat":
        return ""
    return f"""
[[service]]
name = "echo"
address = "{plan.vip}"
protocol = "udp"
port = {ECHO_PORT}
pool = "web"
"""


def render(plan, pool):
    """The configuration with these backends in its one pool."""
    entries = "".join(f"  {_entry(backend, plan)},\n" for backend in pool)
    forwarding = f'forwarding = "{plan.mode}"'
    if plan.mode == "vxlan":
        forwarding += (
            f"\nvxlan = {{ vni = {VXLAN['vni']}, port = {VXLAN['port']},"
            f' inner_mac = "{VXLAN["inner_mac"]}" }}'
        )
    if plan.mode == "nat":
        forwarding += f'\nsource = ["{plan.nat_address}"]'
    return f"""\
schema = 1

[director]
name = "{plan.director_name}"
datapath = "{plan.datapath}"
workers = {plan.worker_cpus}
state_dir = "{plan.run_dir}/state"
pin_dir = "{plan.bpffs}"
flow_dir = "{plan.run_dir}/flows"
on_stop = "{plan.on_stop}"
{plan.director_keys}

[capacity]
slots = 1_000_000

[admin]
socket = "{plan.run_dir}/admin.sock"
status_socket = "{plan.run_dir}/status.sock"
metrics = "127.0.0.1:{metrics.PORT}"

[[interface]]
name = "wan"
{_interface(plan)}

[[pool]]
name = "web"
{forwarding}
scheduler = "{plan.scheduler}"
{plan.pool_keys}
backends = [
{entries}]
{_health_check(plan)}
[[service]]
name = "web"
address = "{plan.vip}"
protocol = "tcp"
port = {plan.service_port}
pool = "web"
{_echo_service(plan)}"""
