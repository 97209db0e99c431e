# SPDX-License-Identifier: Apache-2.0
"""tools/bench: arguments; one benchmark after another."""

import argparse
import pathlib
import signal
import sys

from guideway_lab.shell import LabError

from . import against, build, end_to_end, machine, memif, plot, programs, reload, steer
from .output import Output


def run_director(bench):
    """For benchmarks of a whole guidewayd: they begin where its build folder is."""
    def run_it(program, options):
        if options.extra:
            raise build.Failed(f"there is no program behind this that takes {options.extra}")
        return bench(program.parent.parent.parent, options)
    return run_it


def run_program(name):
    return lambda path, options: programs.run(name, path, options)


DIRECTOR = ["src/app/guidewayd", "bpf/pass.bpf.o"]
# What each is, how it is run, and what it needs, the program first.
RUNNERS = {
    **{name: (program.what, run_program(name), [f"tests/bench/{program.program or name}_bench"])
       for name, program in programs.PROGRAMS.items()},
    "steer": ("from a failing check to the first packet elsewhere, as root",
              run_director(steer.run), DIRECTOR),
    "reload": ("of 1,000 services and 5,000 backends, as root", run_director(reload.run), DIRECTOR),
    "memif": ("dpdk over shared memory, beside dpdk-testpmd, as root", run_director(memif.run),
              ["src/app/guidewayd", "tools/pktgen/guideway-pktgen"]),
    "end-to-end": ("real connections, beside HAProxy and nftables, as root",
                   run_director(end_to_end.run),
                   [*DIRECTOR, "src/cli/guideway", "src/decap/guideway-decap"]),
}
# These need programs that the others do not.
DEMANDS = {"memif": memif.demand_programs, "end-to-end": end_to_end.demand_programs}


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/bench", description="Builds the benchmarks and runs them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="".join(f"  {name:11} {what}\n" for name, (what, *_) in RUNNERS.items())
        + f"  {'all':11} all of them, without those whose packages are missing\n\n"
        "What follows -- goes to the benchmark's own program: tools/bench core -- --help")
    parser.add_argument("which", choices=[*RUNNERS, "all"], metavar="WHICH", help="see below")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--quick", action="store_true",
                        help="few rounds, few sizes: shows that it works; no figures to publish")
    parser.add_argument("--rounds", type=int, help="measurements of which the median is taken "
                        "(mostly 10; maglev 50, steer 100; memory and disruption: 20 hash keys)")
    parser.add_argument("--against", metavar="COMMIT", help="core or xdp: that commit's build and this "
                        "one take turns, --rounds times (20); the difference with its interval")
    parser.add_argument("--plot", metavar="DIR", type=pathlib.Path, help="keep the raw lines in this "
                        "folder, and draw what is in it as PNG and SVG (needs python3-matplotlib)")
    own, _, extra = split_at(arguments, "--")
    options = parser.parse_args(own)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds is at least 1")
    if extra and options.which == "all":
        parser.error("what follows -- is for one benchmark: say which instead of all")
    if options.against and options.which not in against.ROWS:
        parser.error("--against is for core and for xdp")
    options.extra = extra
    options.output = Output(options.json)
    return options


def split_at(words, mark):
    at = words.index(mark) if mark in words else len(words)
    return words[:at], mark, words[at + 1:]


def run_against(name, path, options):
    with programs.reserved_pages(programs.PROGRAMS[name]):
        return against.run(name, path, options.against, options)


def all_names():
    """Those that can be run here; says which cannot."""
    for name in RUNNERS:
        try:
            DEMANDS.get(name, lambda: None)()
            yield name
        except build.Failed as failure:
            print(f"bench: {name} is left out: {failure}", file=sys.stderr)


def run(options):
    names = list(all_names()) if options.which == "all" else [options.which]
    if options.plot:
        plot.demand_matplotlib()
    if machine.warning() and not options.quick:  # before the build, which keeps it busy itself
        print(f"bench: {machine.warning()}", file=sys.stderr)
    built = build.Build()
    targets = list(dict.fromkeys(target for name in names for target in RUNNERS[name][2]))
    paths = dict(zip(targets, built.make(targets)))
    options.output.machine(machine.facts(built))
    codes = []
    for name in names:
        _, run_it, (first, *_) = RUNNERS[name]
        run_it = run_it if not options.against else lambda *words: run_against(names[0], *words)
        codes.append(run_it(paths[first], options))
        if options.plot and codes[-1] == 0:
            options.output.save(options.plot)
        options.output.forget()
    if options.plot:
        plot.draw_all(options.plot)
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
