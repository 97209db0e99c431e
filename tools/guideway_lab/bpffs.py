# SPDX-License-Identifier: Apache-2.0
"""BPF file systems of a lab's own, mounted on the host's side.

One that is mounted inside `ip netns exec` dies with that command, and all pins in it.
"""

import os

from guideway_lab.shell import LabError, run


def mount(folder):
    """Makes the folder and mounts a BPF file system on it."""
    folder.mkdir(mode=0o700)
    run("mount", "-t", "bpf", "-o", "mode=0700", "bpf", folder)


def unmount(folder):
    """Unmounts it, and with it ends whatever only its pins held. Idempotent."""
    if os.path.ismount(folder):
        run("umount", folder)
    if os.path.ismount(folder):
        raise LabError(f"{folder} is still mounted: unmount it by hand")
