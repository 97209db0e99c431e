# SPDX-License-Identifier: Apache-2.0
"""Huge-page file systems of the host: where guidewayd's tables lie in `dpdk`, and stay after it."""

import contextlib
import pathlib
import shutil
import tempfile

from guideway_lab.shell import run


def mounts():
    """Where a hugetlbfs is mounted."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "hugetlbfs":
            yield pathlib.Path(place)


def remove_tables(plan):
    """Removes what the lab's director keeps there. Idempotent."""
    for place in mounts():
        shutil.rmtree(place / f"guideway-{plan.director_name}", ignore_errors=True)


@contextlib.contextmanager
def mounted():
    """A hugetlbfs of 2 MB pages in a folder of its own, while the block runs."""
    folder = tempfile.mkdtemp(prefix="guideway-huge-")
    run("mount", "-t", "hugetlbfs", "-o", "pagesize=2M", "none", folder)
    try:
        yield pathlib.Path(folder)
    finally:
        run("umount", folder)
        pathlib.Path(folder).rmdir()
