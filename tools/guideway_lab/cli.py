# SPDX-License-Identifier: Apache-2.0
"""tools/lab: the lab's command line."""

import argparse
import os
import signal
import sys

from guideway_lab.lab import Lab, remove_lab
from guideway_lab.plan import DATAPATHS, FAMILIES, MAX_BACKENDS, MODES, Plan
from guideway_lab.shell import LabError, in_netns


def main(argv=None):
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # tools/lab status | head
    arguments = _parser().parse_args(argv)
    if os.geteuid() != 0:
        sys.exit("lab: network namespaces need root: run it by sudo")
    try:
        return arguments.run(arguments)
    except LabError as error:
        sys.exit(f"lab: {error}")
    except KeyboardInterrupt:
        return 130


def _up(arguments):
    options = ("name", "backends", "mode", "family", "workers", "datapath", "on_stop")
    lab = Lab(Plan(**{key: getattr(arguments, key) for key in options}), arguments.build)
    lab.up(start_director=not arguments.no_director)
    print(f"lab '{lab.plan.name}' is up: {lab.plan.backends} backends at {lab.plan.url}")
    print(f"try: tools/lab exec --name {lab.plan.name} client curl {lab.plan.url}")


def _down(arguments):
    try:
        Lab.load(arguments.name).down()
    except LabError:
        remove_lab(arguments.name)
    print(f"lab '{arguments.name}' is down")


def _status(arguments):
    lab = Lab.load(arguments.name)
    plan = lab.plan
    print(f"lab '{plan.name}': {plan.mode}, IPv{plan.family}, {plan.url}, files in {plan.run_dir}")
    for process in lab.processes:
        state = f"runs, pid {process.pid}" if process.alive() else "ended"
        print(f"  {process.role:<12} {state}")
    print(f"  namespaces: {' '.join(plan.netns(role) for role in plan.roles)}")
    answer = lab.director.operator_tool("status")
    print(answer.stdout or answer.stderr, end="")
    return answer.returncode


def _exec(arguments):
    plan = Lab.load(arguments.name).plan
    if arguments.namespace not in plan.roles:
        raise LabError(f"no namespace '{arguments.namespace}': use one of {' '.join(plan.roles)}")
    words = arguments.command or [os.environ.get("SHELL", "/bin/sh")]
    command = in_netns(plan.netns(arguments.namespace), words)
    os.execvp(command[0], command)


def _parser():
    parser = argparse.ArgumentParser(prog="lab", description="A lab in network namespaces.")
    commands = parser.add_subparsers(required=True, metavar="up|down|status|exec")

    def command(name, run, summary):
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.add_argument("--name", default="lab", help="several labs can coexist (default: lab)")
        sub.set_defaults(run=run)
        return sub

    up = command("up", _up, "client, director and backends, with guidewayd between them")
    up.add_argument("--backends", type=int, default=3, help=f"1 to {MAX_BACKENDS} (default: 3)")
    up.add_argument("--mode", choices=MODES, default="l2dsr", help="tunnels: behind a router")
    up.add_argument("--family", type=int, choices=FAMILIES, default=4, help="IPv4 or IPv6")
    up.add_argument("--workers", type=int, default=1, help="of guidewayd (default: 1)")
    up.add_argument("--datapath", choices=DATAPATHS, default="dpdk", help="(default: dpdk)")
    up.add_argument("--on-stop", choices=("keep", "detach"), default="detach", help="after SIGTERM")
    up.add_argument("--build", help="build folder (default: $GUIDEWAY_BUILD, else build/, build/demo or build/release)")
    up.add_argument("--no-director", action="store_true", help="do not start guidewayd")
    command("down", _down, "removes everything of a lab, also after a crash")
    command("status", _status, "what runs, and what guidewayd says")
    execute = command("exec", _exec, "runs a command in a namespace of the lab")
    execute.add_argument("namespace", help="client, director, switch, router, backend1, …")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    return parser
