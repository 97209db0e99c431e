# SPDX-License-Identifier: Apache-2.0
"""The benchmarks that are one program: its command line, and its JSON lines as they come."""

import dataclasses
import json
import subprocess
import sys

from . import huge_pages, table

# For IPv4 and IPv6 each the flow table of 10 M flows (128 MB), the packet ring, and room for a --ring
# of four times that.
CORE_MEMORY_MB = 384


@dataclasses.dataclass(frozen=True)
class Program:
    """What tools/bench adds to a program's command line."""

    what: str
    table: type
    # The option that says how often, how often that is, and how often with --quick.
    times: tuple = ("--rounds", 10, 2)
    # The options of a run, and of a quick one.
    always: tuple = ()
    quick: tuple = ()
    memory_mb: int = 0
    # The program's name, if it is not the benchmark's.
    program: str = ""

    def command(self, path, options):
        words = [str(path), *(self.quick if options.quick else self.always)]
        if self.times:
            option, usual, quick = self.times
            words += [option, str(options.rounds or (quick if options.quick else usual))]
        return [*words, *options.extra]


PROGRAMS = {
    "core": Program("cycles per packet in memory", table.Core, memory_mb=CORE_MEMORY_MB,
                    # Without the row of new flows, which fills a table of millions first: minutes
                    # under sanitizers.
                    quick=("--flows", "1", "1000", "--packets", "10000", "--skip-new")),
    "maglev": Program("time of a table build", table.Maglev, times=("--runs", 50, 3)),
    "xdp": Program("ns per packet of the XDP program, as root", table.Xdp,
                   quick=("--flows", "1", "1000", "100000", "--packets", "50000",
                          "--entries", "262144")),
    "xdp-swaps": Program("throughput of the XDP program lost at 100 table swaps a second, as root",
                         table.XdpSwaps, program="xdp",
                         always=("--swaps", "100", "--flows", "1000", "100000",
                                 # Some seconds: the kernel makes each test run wait for RCU.
                                 "--packets", "2000000"),
                         quick=("--swaps", "2", "--flows", "1000", "--packets", "50000",
                                "--entries", "262144")),
    "memory": Program("bytes per flow, and how full the tables get", table.Memory,
                      times=("--seeds", 20, 2), memory_mb=48,
                      quick=("--entries", "8192", "--nat-sources", "1")),
    "disruption": Program("what moves when a backend leaves", table.Disruption,
                          times=("--seeds", 20, 2), memory_mb=48,
                          quick=("--backends", "100", "--flows", "20000")),
    "flood": Program("established flows under a flood", table.Flood, memory_mb=48,
                     quick=("--flows", "1000", "--entries", "8192", "--packets", "8192")),
    "scale": Program("more services, backends, table swaps and workers", table.Scale,
                     memory_mb=96,
                     quick=("--services", "1", "16", "--backends", "10", "1000", "--packets", "8192",
                            "--flows", "1000", "--swaps", "2", "--milliseconds", "200")),
    "health": Program("5,000 checks a second", table.Health, times=(),
                      quick=("--backends", "500", "--seconds", "2")),
}


def run(name, path, options):
    """Shows and keeps the rows as they come; returns the program's exit code."""
    program = PROGRAMS[name]
    with reserved_pages(program):
        return _run(name, program.command(path, options), program.table(), options.output)


def reserved_pages(program):
    return huge_pages.reserved_or_told(program.memory_mb)


def _run(name, command, shown, output):
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            for line in process.stdout:
                if not line.startswith("{"):
                    print(line, end="", file=sys.stderr, flush=True)
                    continue
                row = json.loads(line)
                output.row(name, row, shown.lines(row))
        except BaseException:
            process.terminate()
            raise
    return process.returncode
