# SPDX-License-Identifier: Apache-2.0
"""tools/bench reload: a large configuration is read again, under flows that have to stay.

1,000 services, 100 pools, 5,000 backends. The time is that of POST /v1/reload, which is answered when the new
generation forwards. Two kinds take turns: one backend's weight is another, and one of each pool's is.
"""

import random
import statistics
import time

from guideway_lab import raw_packets

from .build import Failed
from .site import Site, backend_address

_SERVICES, _POOLS, _BACKENDS = 1000, 100, 5000
_SERVICES_OF_AN_ADDRESS = 100
_FLOWS = 20_000
_CAPACITY = "services = 1024\npools = 128\nbackends = 8192\nslots = 7_000_000"


def run(build, options):
    """Returns the exit code. Failed: a flow has moved."""
    rounds = options.rounds or (2 if options.quick else 10)
    with Site(build) as site:
        site.write_config(_CAPACITY, _pools([]))
        site.start()
        flows = _flows(site, _FLOWS)
        held = site.learn(flows)
        times_ms = {"one pool": [], "every pool": []}
        for number in range(rounds):
            for kind, pools in (("one pool", [number % _POOLS]), ("every pool", range(_POOLS))):
                site.write_config(_CAPACITY, _pools(pools, 50 + number))
                times_ms[kind].append(_reload(site))
                _demand_unmoved(held, site.learn(flows))
        for kind, times in times_ms.items():
            _report(kind, times, len(held), options.output)
    return 0


def _pools(changed, weight=100):
    """The text of everything, with another weight for the first backend of the pools `changed`."""
    text = []
    each = _BACKENDS // _POOLS
    for pool in range(_POOLS):
        text.append(f'[[pool]]\nname = "p{pool}"\nforwarding = "ipip"\nbackends = [')
        for i in range(each):
            of_it = weight if i == 0 and pool in changed else 100
            address = backend_address(pool * each + i)
            text.append(f'  {{ name = "b{i}", address = "{address}", weight = {of_it} }},')
        text.append("]")
    for service in range(_SERVICES):
        address, port = _endpoint(service)
        text.append(f'[[service]]\nname = "s{service}"\naddress = "{address}"\nport = {port}\nvip = "routed"')
        text.append(f'protocol = "udp"\npool = "p{service % _POOLS}"')
    return "\n".join(text)


def _endpoint(service):
    high, low = divmod(service, _SERVICES_OF_AN_ADDRESS)
    return f"203.0.113.{1 + high}", 1000 + low


def _flows(site, count):
    """{source: frame}, each to a service at random."""
    found = {}
    for number in range(count):
        source = (f"198.18.{number // 60000}.1", 1024 + number % 60000)
        found[source] = site.frame(raw_packets.Flow("udp", *source, *_endpoint(random.randrange(_SERVICES))))
    return found


def _reload(site):
    with site.admin() as admin:
        generation = site.status()["generation"]
        began = time.monotonic()
        answer = admin.ask("POST", "/v1/reload")
        took_ms = (time.monotonic() - began) * 1000
    if answer.status != 200 or answer.body["generation"] <= generation:
        raise Failed(f"the reload was answered by {answer}")
    return took_ms


def _demand_unmoved(held, now):
    moved = sum(now[source] != backend for source, backend in held.items())
    if moved:
        raise Failed(f"{moved} of {len(held)} tracked flows have moved")


def _report(kind, times_ms, flows, output):
    row = {
        "bench": "reload",
        "changed": kind,
        "services": _SERVICES,
        "pools": _POOLS,
        "backends": _BACKENDS,
        "rounds": len(times_ms),
        "median_ms": round(statistics.median(times_ms), 1),
        "least_ms": round(min(times_ms), 1),
        "worst_ms": round(max(times_ms), 1),
        "flows": flows,
        "moved": 0,
    }
    output.row("reload", row, [
        "", f"{_SERVICES} services, {_POOLS} pools, {_BACKENDS} backends; another weight in {kind}, "
        f"{len(times_ms)} times: median {row['median_ms']} ms, {row['least_ms']} to {row['worst_ms']}; "
        f"0 of {flows} tracked flows moved"])
