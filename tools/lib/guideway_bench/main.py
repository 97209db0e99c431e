# SPDX-License-Identifier: Apache-2.0
"""tools/bench: arguments; one benchmark after another."""

import argparse
import json
import signal
import subprocess
import sys

from guideway_lab.shell import LabError

from . import against, build, end_to_end, huge_pages, machine, reload, steer, table

# The flow table of 10 M flows (128 MB), the packet ring, and room for a --ring of four times that.
CORE_MEMORY_MB = 192
# Without the row of new flows, which fills a table of millions first: minutes under sanitizers.
QUICK_CORE = ["--flows", "1", "1000", "--packets", "10000", "--skip-new"]
QUICK_XDP = ["--flows", "1", "1000", "100000", "--packets", "50000", "--entries", "262144"]


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Builds the benchmarks and runs them.",
        epilog="What follows -- goes to the benchmark program: tools/bench core -- --help")
    parser.add_argument("which", choices=[*RUNNERS, "all"],
                        help="core: cycles per packet in memory; maglev: time of a table build; "
                        "xdp: ns per packet of the XDP program, as root; health: 5,000 checks a second; "
                        "steer: from a failing check to the first packet elsewhere, as root; "
                        "reload: of 1,000 services and 5,000 backends, as root; "
                        "end-to-end: real connections, beside HAProxy and nftables, as root")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true",
                        help="few rounds, few sizes: shows that it works; no figures to publish")
    parser.add_argument("--rounds", type=int, help="measurements of which the median is taken "
                        "(core, xdp, reload and end-to-end 10, maglev 50, steer 100)")
    parser.add_argument("--against", metavar="COMMIT", help="core or xdp: that commit's build and this "
                        "one take turns, --rounds times (20); the difference with its interval")
    own, _, extra = split_at(arguments, "--")
    options = parser.parse_args(own)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds is at least 1")
    if extra and options.which == "all":
        parser.error("what follows -- is for one benchmark: say which instead of all")
    if options.against and options.which not in against.ROWS:
        parser.error("--against is for core and for xdp")
    options.extra = extra
    return options


def split_at(words, mark):
    at = words.index(mark) if mark in words else len(words)
    return words[:at], mark, words[at + 1:]


def core_command(program, options):
    rounds = options.rounds or (2 if options.quick else 10)
    quick = QUICK_CORE if options.quick else []
    return [program, "--rounds", str(rounds), *quick, *options.extra]


def maglev_command(program, options):
    rounds = options.rounds or (3 if options.quick else 50)
    as_json = ["--json"] if options.json else []
    return [program, "--runs", str(rounds), *as_json, *options.extra]


def xdp_command(program, options):
    rounds = options.rounds or (2 if options.quick else 10)
    quick = QUICK_XDP if options.quick else []
    return [program, "--rounds", str(rounds), *quick, *options.extra]


def run_core(program, options):
    """The program speaks JSON; people get a table."""
    with huge_pages.reserved(CORE_MEMORY_MB) as problem:
        if problem:
            print(f"bench: {problem}", file=sys.stderr)
        return show_lines_of(core_command(program, options), show_core, options.json)


def run_xdp(program, options):
    return show_lines_of(xdp_command(program, options), show_xdp, options.json)


def show_lines_of(command, show, as_json):
    """Calls show(lines, as_json) while the program runs; returns its exit code."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            show(process.stdout, as_json)
        except BaseException:
            process.terminate()
            raise
    return process.returncode


def show_core(lines, as_json):
    header_due = True
    for line in lines:
        if as_json or not line.startswith("{"):
            print(line, end="", flush=True)
            continue
        row = json.loads(line)
        if header_due:
            print(f"\n{table.core_title(row)}\n{table.core_header()}")
            header_due = False
        print(table.core_line(row), flush=True)


def show_xdp(lines, as_json):
    """Two lines a row: first ours, then the one to compare with."""
    ours = None
    header_due = True
    for line in lines:
        if as_json or not line.startswith("{"):
            print(line, end="", flush=True)
            continue
        row = json.loads(line)
        if header_due:
            print(f"\n{table.xdp_title(row)}\n{table.xdp_header()}")
            header_due = False
        if row["program"] == "guideway":
            ours = row
        else:
            print(table.xdp_line(ours, row), flush=True)


def run_maglev(program, options):
    print(end="" if options.json else "\n", flush=True)
    return subprocess.run(maglev_command(program, options), check=False).returncode


def run_health(program, options):
    quick = ["--backends", "500", "--seconds", "2"] if options.quick else []
    as_json = ["--json"] if options.json else []
    print(end="" if options.json else "\n", flush=True)
    return subprocess.run([program, *quick, *as_json, *options.extra], check=False).returncode


def run_director(bench):
    """For benchmarks of a whole guidewayd: they begin where its build folder is."""
    def run_it(program, options):
        if options.extra:
            raise build.Failed(f"there is no program behind {options.which} that takes {options.extra}")
        return bench(program.parent.parent.parent, options)
    return run_it


RUNNERS = {"core": run_core, "maglev": run_maglev, "xdp": run_xdp, "health": run_health,
           "steer": run_director(steer.run), "reload": run_director(reload.run),
           "end-to-end": run_director(end_to_end.run)}
DIRECTOR = ["src/app/guidewayd", "bpf/pass.bpf.o"]
# What they need; the first is the program.
TARGETS = {"steer": DIRECTOR, "reload": DIRECTOR,
           "end-to-end": [*DIRECTOR, "src/cli/guideway", "src/decap/guideway-decap"]}


def targets_of(name):
    return TARGETS.get(name, [f"tests/bench/{name}_bench"])


def run_against(name, program, options):
    if name != "core":
        return against.run(name, program, options.against, options)
    with huge_pages.reserved(CORE_MEMORY_MB) as problem:
        if problem:
            print(f"bench: {problem}", file=sys.stderr)
        return against.run(name, program, options.against, options)


def run(options):
    # end-to-end needs packages that the others do not.
    names = [name for name in RUNNERS if name != "end-to-end"]
    names = names if options.which == "all" else [options.which]
    built = build.Build()
    targets = list(dict.fromkeys(target for name in names for target in targets_of(name)))
    paths = dict(zip(targets, built.make(targets)))
    programs = [paths[targets_of(name)[0]] for name in names]
    facts = machine.facts(built)
    print(json.dumps(facts) if options.json else "\n".join(table.machine_lines(facts)), flush=True)
    if machine.warning() and not options.quick:
        print(f"bench: {machine.warning()}", file=sys.stderr)
    if options.against:
        return run_against(names[0], programs[0], options)
    codes = [RUNNERS[name](program, options) for name, program in zip(names, programs)]
    return max(codes)


def main():
    options = parse_arguments(sys.argv[1:])
    # So that huge pages are given back.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run(options)
    except (build.Failed, LabError) as failure:
        print(failure, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())
