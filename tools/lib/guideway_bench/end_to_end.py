# SPDX-License-Identifier: Apache-2.0
"""Real connections through the lab: no balancer, HAProxy, nftables and Guideway, in turns.

Every row has the same topology: client, switch, director, backends; the same nginx processes; and
checksums in software on every link. Rows take turns, a lab of its own for each turn, so that no
row inherits the ports and connections of another.
"""

import dataclasses
import os
import re
import sys

from guideway_lab import network
from guideway_lab.lab import Lab
from guideway_lab.plan import PORT, Plan
from guideway_lab.processes import spawn
from guideway_lab.shell import LabError, ip_batch, ip_json, sysctl, wait_until
from guideway_lab.shell import run as run_command

from . import build
from .against import interval, median
from .machine import undisturbed

SECONDS = 3
TURNS = 10
CONNECTIONS = 50
LOADS = {"keep-alive": (), "one connection a request": ("-H", "Connection: close")}

_HAPROXY = """\
global
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend service
  bind {vip}:{port}
  default_backend web
backend web
  balance roundrobin
{servers}
"""

# Connections go to the backends in turn; answers come back by way of the director.
_NFTABLES = """\
table ip guideway_bench {{
  chain prerouting {{
    type nat hook prerouting priority dstnat;
    ip daddr {vip} tcp dport {port} dnat to numgen inc mod {count} map {{ {backends} }}
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    oifname "eth0" ct status dnat masquerade
  }}
}}
"""


@dataclasses.dataclass(frozen=True)
class Row:
    """One way from the client to the backends."""

    name: str
    datapath: str
    mode: str = "l2dsr"
    start: object = None  # what runs on the director instead of guidewayd
    packets: object = None  # of a lab: how many the balancer has had, if there is one


def start_nothing(_lab):
    """The client talks to a backend itself."""


def start_haproxy(lab):
    plan = lab.plan
    own_the_vip(plan)
    servers = "\n".join(f"  server {name} {plan.backend_address(name)}:{PORT}"
                        for name in plan.backend_names)
    file = plan.run_dir / "haproxy.cfg"
    file.write_text(_HAPROXY.format(vip=plan.vip, port=PORT, servers=servers))
    spawn("haproxy", ["haproxy", "-f", file], plan.netns("director"), plan.run_dir / "haproxy.log")


def start_nftables(lab):
    plan = lab.plan
    own_the_vip(plan)
    sysctl(plan.netns("director"), {"net.ipv4.ip_forward": 1})
    backends = ", ".join(f"{i} : {plan.backend_address(name)}"
                         for i, name in enumerate(plan.backend_names))
    rules = _NFTABLES.format(vip=plan.vip, port=PORT, count=len(plan.backend_names),
                             backends=backends)
    run_command("nft", "-f", "-", netns=plan.netns("director"), input=rules)


def received(lab):
    """Packets that came to the director."""
    links = ip_json(lab.plan.netns("director"), "-s", "link", "show", "dev", network.KERNEL_NIC)
    return links[0]["stats64"]["rx"]["packets"]


def forwarded(lab):
    """Packets that guidewayd has forwarded."""
    return lab.director.forwarded()


def own_the_vip(plan):
    """The kernel's own way in: no XDP program slows the cable down."""
    ip_batch(plan.netns("switch"), ["link set director.near xdp off"])
    ip_batch(plan.netns("director"), [f"address add {plan.vip}/{plan.host_length} dev eth0"])


ROWS = [
    Row("no balancer", "xdp", start=start_nothing),
    Row("HAProxy", "xdp", start=start_haproxy, packets=received),
    Row("nftables", "xdp", start=start_nftables, packets=received),
    Row("guideway xdp", "xdp", packets=forwarded),
    Row("guideway afxdp", "afxdp", packets=forwarded),
    Row("guideway dpdk", "dpdk", packets=forwarded),
]


def demand_programs():
    build.demand_programs(["wrk", "haproxy", "nft", "nginx"], "build lab bench")


def run(built, options):
    """Prints a row for each way and load; returns an exit code."""
    if os.geteuid() != 0:
        raise build.Failed("end-to-end makes network namespaces: run it as root")
    demand_programs()
    turns = options.rounds or (1 if options.quick else TURNS)
    seconds = 1 if options.quick else SECONDS
    found = {}
    for turn in range(turns):
        # Another order each time: nobody is always the first after a pause.
        for row in ROWS[turn % len(ROWS):] + ROWS[:turn % len(ROWS)]:
            for load, figures in measure(row, built, seconds):
                found.setdefault((row.name, load), []).append(figures)
        print(f"bench: turn {turn + 1} of {turns}", file=sys.stderr, flush=True)
    show(found, options.output)
    return 0


def measure(row, built, seconds):
    """(load, figures) for each load, in a lab of its own."""
    plan = Plan(name=f"bench{os.getpid()}", datapath=row.datapath, mode=row.mode, backends=1)
    with Lab(plan, str(built)) as lab:
        lab.up(start_director=row.start is None)
        address = plan.vip
        if row.start:
            network.plug_in_nic(plan)
            row.start(lab)
            if row.start is start_nothing:
                address = plan.backend_address(plan.backend_names[0])
        url = plan.url_of(address)
        wait_until(lambda: answers(plan, url), f"an answer by {row.name}")
        for load, words in LOADS.items():
            wrk(plan, url, words, 1)  # neighbours, caches, conntrack
            figures, repeated = undisturbed(
                lambda words=words: balanced(lab, row, url, words, seconds))  # before the next load
            yield load, {**figures, "repeated": repeated}


def answers(plan, url):
    return run_command("curl", "-sgf", "-m", "2", url, netns=plan.netns("client"),
               check=False).returncode == 0


def balanced(lab, row, url, words, seconds):
    """wrk's figures. Errors: not every request went by way of the balancer."""
    before = row.packets(lab) if row.packets else 0
    figures = wrk(lab.plan, url, words, seconds)
    packets = row.packets(lab) - before if row.packets else figures["requests"]
    if packets < figures["requests"]:
        raise LabError(f"{row.name}: {figures['requests']} requests, but the balancer had "
                       f"{packets} packets")
    return figures


def wrk(plan, url, words, seconds):
    """One run of load; figures as a dictionary."""
    before = busy_s()
    done = run_command("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *words, url,
               netns=plan.netns("client"), timeout=seconds + 30)
    busy = busy_s() - before
    return figures_of(done.stdout, busy)


def figures_of(output, busy):
    """wrk's summary → figures. Whatever was not answered by 2xx or 3xx is a failure of the run."""
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    failed = sum(map(int, errors.groups())) if errors else 0
    failed += int(wrong.group(1)) if wrong else 0
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    if requests == 0 or failed != 0:
        raise LabError(f"wrk got {requests} answers, and {failed} requests failed: {output}")
    return {
        "requests": requests,
        "requests_per_s": float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1)),
        "cpu_us_per_request": busy * 1e6 / requests,
        "latency_50_ms": percentile(output, 50),
        "latency_99_ms": percentile(output, 99),
    }


def percentile(output, percent):
    return milliseconds(re.search(rf"^ +{percent}% +(\S+)$", output, re.MULTILINE).group(1))


def milliseconds(text):
    """wrk's 12.3us, 4.5ms, 1.2s."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def busy_s():
    """Time that all CPUs of this machine have worked, for whomever."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _idle, _iowait, irq, softirq, _steal = map(
            int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def show(found, output):
    for load in dict.fromkeys(load for _, load in found):
        header = ["", f"{load}; ratios against the same turn's, with 95 % intervals",
                  f"{'':16}  {'requests/s':>10}  {'CPU us':>7}  {'50 % ms':>7}  "
                  f"{'99 % ms':>7}  {'no balancer':>18}  {'HAProxy':>18}  {'nftables':>18}"]
        for name in dict.fromkeys(name for name, _ in found):
            row = row_of(found, name, load)
            output.row("end-to-end", row, [*header, line_of(row)])
            header = []


def row_of(found, name, load):
    runs = found[name, load]
    row = {"bench": "end-to-end", "row": name, "load": load, "turns": len(runs),
           **{key: median([figures[key] for figures in runs]) for key in runs[0]},
           "repeated": sum(figures["repeated"] for figures in runs)}
    for other in ("no balancer", "HAProxy", "nftables"):
        ratios = sorted(own["requests_per_s"] / its["requests_per_s"]
                        for own, its in zip(runs, found[other, load]))
        row[f"against {other}"] = [median(ratios), *interval(ratios)]
    return row


def line_of(row):
    ratios = "  ".join("{:>5.2f} {:>5.2f}-{:<5.2f}".format(*row[f"against {other}"]).rjust(18)
                       for other in ("no balancer", "HAProxy", "nftables"))
    return (f"{row['row']:16}  {row['requests_per_s']:>10.0f}  "
            f"{row['cpu_us_per_request']:>7.1f}  {row['latency_50_ms']:>7.2f}  "
            f"{row['latency_99_ms']:>7.2f}  {ratios}")
