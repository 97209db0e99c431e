# SPDX-License-Identifier: Apache-2.0
"""guideway-decap on the backends, where the kernel has no tunnel device that would do.

The programs are pinned in a BPF file system of the lab's own, on the host's side: one that is
mounted inside `ip netns exec` dies with that command.
"""

from guideway_lab import bpffs
from guideway_lab.director import built_program
from guideway_lab.shell import run


def attach(plan, build_dir):
    """Every backend takes what the director sends through a tunnel for the service's address."""
    folder = _folder(plan)
    bpffs.mount(folder)
    program = built_program(build_dir, "src/decap/guideway-decap")
    for name in plan.backend_names:
        allowed = ("--from", plan.director_address, "--vip", plan.vip)
        pin = ("--pin-dir", folder / name)
        run(program, "attach", "eth0", *allowed, *pin, netns=plan.netns(name))


def remove(plan):
    """Unmounts the file system, and with it all pins. Idempotent."""
    bpffs.unmount(_folder(plan))


def _folder(plan):
    return plan.run_dir / "decap"
