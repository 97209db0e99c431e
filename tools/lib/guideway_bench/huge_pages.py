# SPDX-License-Identifier: Apache-2.0
"""Reserves huge pages for the time of a run."""

import contextlib
import pathlib
import sys

PAGES = pathlib.Path("/sys/kernel/mm/hugepages/hugepages-2048kB")


def _number(name):
    return int((PAGES / name).read_text(encoding="ascii"))


@contextlib.contextmanager
def reserved(megabytes):
    """Makes sure that as much is free, if we may; gives back what it added, also after a failure.

    Yields "" or why there are fewer. Others may reserve pages meanwhile, so it adds and subtracts
    and never writes back an old total.
    """
    try:
        missing = max(0, megabytes // 2 - _number("free_hugepages"))
        added = _add(missing)
    except OSError as error:
        yield f"no huge pages reserved ({error.strerror}): run as root for the published figures"
        return
    try:
        yield "" if added >= missing else (
            f"only {added} of {missing} huge pages could be had: memory is fragmented")
    finally:
        _add(-added)


@contextlib.contextmanager
def reserved_or_told(megabytes):
    """Likewise; says on the screen why there are fewer."""
    if megabytes == 0:
        yield
        return
    with reserved(megabytes) as problem:
        if problem:
            print(f"bench: {problem}", file=sys.stderr)
        yield


def _add(count):
    """Returns how many more (or fewer) there are now."""
    before = _number("nr_hugepages")
    if count != 0:
        (PAGES / "nr_hugepages").write_text(str(max(0, before + count)), encoding="ascii")
    return _number("nr_hugepages") - before
