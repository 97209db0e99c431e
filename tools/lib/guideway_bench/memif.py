# SPDX-License-Identifier: Apache-2.0
"""tools/bench memif: packets through DPDK on shared memory: testpmd's io and macswap, and Guideway.

guideway-pktgen has one end of a memif, and who is measured the other: dpdk-testpmd, which only turns
packets round (what the wire itself costs), or guidewayd, which forwards them to one of 100 backends by
IP-in-IP. Each turn starts every one of them once, in changing order, on the last CPU; the generator
has the others.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import time

from guideway_lab import metrics
from guideway_lab.processes import spawn
from guideway_lab.shell import LabError, in_netns, ip_batch, ip_json, run as run_command, wait_until

from . import build
from .against import interval, median
from .machine import undisturbed
from .site import backend_address

_TURNS, _SECONDS, _RATE, _FLOWS = 10, 2, 100_000, 10_000
# On a virtual machine no loss at all says more about its host than about who forwards.
_MAX_LOSS = 0.0001
_VIP, _PORT, _BACKENDS = "203.0.113.10", 80, 100
_GATEWAY, _DIRECTOR, _GATEWAY_MAC = "10.77.0.1", "10.77.0.2", "02:67:77:00:00:01"
_ANY_MAC = "02:00:00:00:00:01"
_START_S = 60


@dataclasses.dataclass(frozen=True)
class Row:
    """Who is measured."""

    name: str
    forward_mode: str = ""  # of testpmd; empty: guidewayd


ROWS = [Row("testpmd io", "io"), Row("testpmd macswap", "macswap"), Row("guideway ipip")]
_FLOOR = ROWS[0].name


def demand_programs():
    build.demand_programs(["dpdk-testpmd"], "build bench")


def run(built, options):
    """Prints a row for each; returns an exit code."""
    if os.geteuid() != 0:
        raise build.Failed("memif makes a network namespace: run it as root")
    demand_programs()
    turns = options.rounds or (1 if options.quick else _TURNS)
    seconds = 0.2 if options.quick else _SECONDS
    found = {row.name: [] for row in ROWS}
    for turn in range(turns):
        for row in ROWS[turn % len(ROWS):] + ROWS[:turn % len(ROWS)]:
            figures, repeated = undisturbed(lambda row=row: _measure(row, built, seconds))
            found[row.name].append({**figures, "repeated": repeated})
    _show(found, options.output)
    return 0


def _measure(row, built, seconds):
    with Wire(built, row) as wire:
        at_rate = wire.send("--rate", _RATE, "--seconds", seconds, "--latency", "--max-loss", 1)
        highest = wire.send("--find-rate", "--seconds", seconds / 2, "--max-loss", _MAX_LOSS)
    # Another, that has seen no other rate: testpmd counts from its start to its end.
    with Wire(built, row) as wire:
        busy_ns = wire.busy_ns(seconds)
    return {"busy_ns": busy_ns, "loss": at_rate["loss"], "found_pps": highest["found_pps"],
            "latency_50_us": at_rate["latency_us"]["p50"],
            "latency_99_us": at_rate["latency_us"]["p99"]}


class Wire:
    """Who is measured, running, and a generator for it. Use it by `with`."""

    def __init__(self, built, row):
        self._row = row
        self._built = built
        self._name = f"gwbench-{os.getpid()}"
        self._dir = pathlib.Path(f"/run/{self._name}")
        self._process = None
        self._mac = _ANY_MAC
        cpus = sorted(os.sched_getaffinity(0))
        self._own_cpu, self._other_cpus = cpus[-1], cpus[:-1] or cpus

    def __enter__(self):
        self._dir.mkdir()
        try:
            run_command("ip", "netns", "add", self._name)
            ip_batch(self._name, ["link set lo up"])
            (self._start_testpmd if self._row.forward_mode else self._start_guidewayd)()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process:
            self._process.stop()
        run_command("ip", "netns", "del", self._name, check=False)
        shutil.rmtree(self._dir, ignore_errors=True)

    def send(self, *words):
        """One run of the generator: its JSON object. Errors: a packet was wrong, a flow moved."""
        done = subprocess.run(self._generator(words), capture_output=True, text=True, timeout=300,
                              check=False)
        result = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        if done.returncode != 0 or not result.get("good"):
            raise LabError(f"{self._row.name}: {result.get('problems')} {done.stderr[-500:]}")
        return result

    def busy_ns(self, seconds):
        """Time in rounds that handled packets, by packets, at the rate. The wire's only use."""
        words = ("--rate", _RATE, "--max-loss", 1)
        if self._row.forward_mode:
            return self._busy_ns_of_testpmd(words, seconds)
        before = self._busy_s_of_guidewayd()
        sent = self.send(*words, "--seconds", seconds)["sent"]
        return (self._busy_s_of_guidewayd() - before) * 1e9 / sent

    def _busy_s_of_guidewayd(self):
        url = f"http://127.0.0.1:{metrics.PORT}/metrics"
        samples = metrics.read(run_command("curl", "-sSf", url, netns=self._name).stdout)
        return metrics.value(samples, "guideway_worker_busy_seconds_total")

    def _busy_ns_of_testpmd(self, words, seconds):
        """It says so at its end, if its memif is still connected then."""
        with subprocess.Popen(self._generator((*words, "--seconds", 60)), stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as generator:
            try:
                time.sleep(seconds)
                self._process.stop()
            finally:
                generator.kill()
        log = self._log.read_text(errors="replace")
        said = re.search(r"CPU cycles/packet=([\d.]+) .* at (\d+) MHz", log)
        if not said or float(said[1]) == 0:
            raise LabError(f"testpmd said no cycles: {log[-800:]}")
        return float(said[1]) * 1000 / int(said[2])

    def _generator(self, words):
        device = f"net_memif0,role=client,socket={self._socket},socket-abstract=no"
        command = ["taskset", "-c", ",".join(map(str, self._other_cpus)),
                   self._built / "tools/pktgen/guideway-pktgen", "--device", device, "--gateway-mac",
                   self._mac, "--vip", _VIP, "--port", _PORT, "--flows", _FLOWS, "--json",
                   *(["--bridge"] if self._row.forward_mode else []), *words]
        return in_netns(self._name, command)

    @property
    def _socket(self):
        return self._dir / "memif.sock"

    @property
    def _log(self):
        return self._dir / "log"

    def _vdev(self):
        return f"net_memif0,role=server,socket={self._socket},socket-abstract=no"

    def _testpmd_command(self):
        lcores = f"1@{self._own_cpu},0@{self._other_cpus[0]}"
        return ["dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
                "--file-prefix", self._name, "--lcores", lcores, "--main-lcore", "0",
                "--vdev", self._vdev(), "--", f"--forward-mode={self._row.forward_mode}",
                "--port-topology=loop", "--nb-cores=1", "--total-num-mbufs=16384",
                "--record-core-cycles", "--no-lsc-interrupt", "--stats-period=1"]

    def _start_testpmd(self):
        self._process = spawn("testpmd", self._testpmd_command(), self._name, self._log)
        self._wait_until(lambda: "Port statistics" in self._log.read_text(errors="replace"))

    def _start_guidewayd(self):
        config = self._dir / "guideway.toml"
        config.write_text(self._config(), encoding="utf-8")
        command = [self._built / "src/app/guidewayd", "--config", config]
        self._process = spawn("guidewayd", command, self._name, self._log)
        self._wait_until(lambda: self._links() and self._socket.exists())
        ip_batch(self._name, [f"neighbour replace {_GATEWAY} lladdr {_GATEWAY_MAC} dev gw-wan nud permanent",
                              f"route replace 10.50.0.0/16 via {_GATEWAY}"])
        self._mac = self._links()[0]["address"]
        self._wait_until(self._is_forwarding)

    def _links(self):
        try:
            return [link for link in ip_json(self._name, "link", "show") if link["ifname"] == "gw-wan"
                    and "UP" in link["flags"]]
        except LabError:
            return []

    def _is_forwarding(self):
        """The last step of a start: the backends have their next hop's MAC address."""
        status = run_command("curl", "-sS", "--unix-socket", self._dir / "status.sock",
                             "http://localhost/v1/status", check=False).stdout
        pools = json.loads(status)["pools"] if status.startswith("{") else []
        return pools and all(backend["slots"] for pool in pools for backend in pool["backends"])

    def _wait_until(self, condition):
        def is_so():
            if self._process.wait(0):
                raise LabError(f"{self._row.name} ended: {self._log.read_text(errors='replace')[-800:]}")
            return condition()
        wait_until(is_so, self._row.name, _START_S)

    def _config(self):
        backends = "".join(f'  {{ name = "b{i}", address = "{backend_address(i)}" }},\n'
                           for i in range(_BACKENDS))
        return f"""schema = 1
[director]
name = "{self._name}"
datapath = "dpdk"
workers = [{self._own_cpu}]
state_dir = "{self._dir}/state"
flow_dir = "{self._dir}/flows"
pin_dir = "{self._dir}/bpf"
[admin]
socket = "{self._dir}/admin.sock"
status_socket = "{self._dir}/status.sock"
metrics = "127.0.0.1:{metrics.PORT}"
[[interface]]
name = "wan"
device = "vdev:{self._vdev()}"
addresses = ["{_DIRECTOR}/24"]
[[pool]]
name = "web"
forwarding = "ipip"
backends = [
{backends}]
[[service]]
name = "web"
address = "{_VIP}"
protocol = "tcp"
port = {_PORT}
pool = "web"
"""


def _show(found, output):
    header = ["", f"over memif, frames of 64 bytes, {_FLOWS:,} flows; at {_RATE:,} packets a second: busy time of a "
              f"packet and latency; the highest rate of which at most {_MAX_LOSS:.2%} is lost",
              f"{'':16}  {'busy ns':>8}  {'more than io':>22}  {'50 % us':>8}  {'99 % us':>8}  "
              f"{'packets/s':>10}  {'of io':>22}"]
    for name, runs in found.items():
        row = _row_of(name, runs, found[_FLOOR])
        output.row("memif", row, [*header, _line_of(row)])
        header = []


def _row_of(name, runs, floor):
    more = sorted(own["busy_ns"] - its["busy_ns"] for own, its in zip(runs, floor))
    ratios = sorted(own["found_pps"] / its["found_pps"] for own, its in zip(runs, floor))
    return {"bench": "memif", "row": name, "turns": len(runs), "rate_pps": _RATE, "flows": _FLOWS,
            "max_loss": _MAX_LOSS,
            **{key: median([figures[key] for figures in runs]) for key in runs[0]},
            "repeated": sum(figures["repeated"] for figures in runs),
            "busy_more_than_io_ns": [median(more), *interval(more)],
            "found_against_io": [median(ratios), *interval(ratios)]}


def _line_of(row):
    more = "{:.0f} ({:.0f} to {:.0f})".format(*row["busy_more_than_io_ns"])
    ratio = "{:.2f} x ({:.2f}-{:.2f})".format(*row["found_against_io"])
    return (f"{row['row']:16}  {row['busy_ns']:>8.0f}  {more:>22}  {row['latency_50_us']:>8.1f}  "
            f"{row['latency_99_us']:>8.1f}  {row['found_pps']:>10.0f}  {ratio:>22}")
