# SPDX-License-Identifier: Apache-2.0
"""What a daemon could leave behind on a host, as comparable values."""

import os
import pathlib

from guideway_lab import huge_pages
from guideway_lab.shell import ip_json, run

_HUGE_PAGES = pathlib.Path("/sys/kernel/mm/hugepages")
# Folders in which the host's own daemons make and remove files at any time.
_OTHERS = {
    f"/run/{name}"
    for name in ("systemd", "user", "log", "udev", "sudo", "lock", "initctl", "dbus", "mount")
}


def take(plan):
    """Mounts, huge pages and files of the host; links, addresses, routes and lasting
    neighbours of it and of the lab.

    Other labs are left out, and in this lab's folder what guidewayd is meant to leave: its log and
    its state.
    """
    # The client's routes are the load generator's, which turns through source addresses.
    namespaces = [None, *(plan.netns(role) for role in plan.roles if role != "client")]
    parts = {
        "namespace": {name for name in _netns_names() if _is_ours(name, plan)},
        "mount": _mounts(plan),
        "huge pages": _huge_pages(),
        "file": _files(plan),
    }
    for netns in namespaces:
        place = f" of {netns or 'the host'}"
        parts["link" + place] = _links(netns)
        parts["route" + place] = _routes(netns)
        parts["neighbour" + place] = _neighbours(netns)
        parts["nftables" + place] = run("nft", "list", "tables", netns=netns).stdout.splitlines()
    return {part: set(values) for part, values in parts.items()}


def differences(before, after):
    """One line for each thing that came or went; empty if nothing changed."""
    gone = [f"{part} gone: {value}" for part in before for value in before[part] - after[part]]
    new = [f"{part} new: {value}" for part in after for value in after[part] - before[part]]
    return sorted(gone + new)


def _netns_names():
    return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []


def _is_ours(netns, plan):
    return not netns.startswith("gwlab-") or netns.startswith(plan.netns(""))


def _mounts(plan):
    """Those of the kinds that a datapath needs."""
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        other_lab = place.startswith("/run/gwlab-") and not place.startswith(f"{plan.run_dir}/")
        if kind in ("bpf", "hugetlbfs", "tmpfs") and not other_lab:
            yield line


def _links(netns):
    """Each link with its addresses; the kernel gives link-local ones when it likes."""
    for link in filter(None, ip_json(netns, "address", "show")):
        yield link["ifname"]
        for address in link.get("addr_info", []):
            if address["scope"] != "link":
                yield f"{link['ifname']} {address['local']}/{address['prefixlen']}"


def _routes(netns):
    for family in ("-4", "-6"):
        shown = run("ip", *_scope(netns), family, "route", "show").stdout.splitlines()
        yield from (line.strip() for line in shown if not line.startswith("fe80::"))


def _neighbours(netns):
    """Those that somebody asked for; the kernel makes and forgets the others as it likes."""
    shown = run("ip", *_scope(netns), "neigh", "show", "nud", "all").stdout.splitlines()
    for words in map(str.split, shown):
        flags = sorted({"PERMANENT", "managed", "extern_learn"} & set(words))
        if flags:
            yield " ".join((*words[:3], *flags))


def _huge_pages():
    for size in _HUGE_PAGES.glob("hugepages-*"):
        for what in ("nr_hugepages", "free_hugepages", "resv_hugepages"):
            yield f"{size.name}/{what} {(size / what).read_text().strip()}"


def _files(plan):
    """Names under /run and in every place for shared memory and huge pages."""
    meant = {str(plan.run_dir / name) for name in ("guidewayd.log", "state")}
    for top in ("/run", "/dev/shm", "/var/lib/guideway", *huge_pages.mounts()):
        for folder, folders, files in os.walk(top):
            folders[:] = [d for d in folders if f"{folder}/{d}" not in _OTHERS]
            folders[:] = [d for d in folders if not _is_other_lab(folder, d, plan)]
            folders[:] = [d for d in folders if f"{folder}/{d}" not in meant]
            for name in (*folders, *files):
                if f"{folder}/{name}" not in meant and not _is_other_lab(folder, name, plan):
                    yield f"{folder}/{name}"


def _is_other_lab(folder, name, plan):
    if folder == "/run/netns":
        return not _is_ours(name, plan)
    if folder == "/run/guideway":
        return name.startswith("gwlab-") and not name.startswith(f"{plan.director_name}.")
    return folder == "/run" and name.startswith("gwlab-") and name != plan.run_dir.name


def _scope(netns):
    return ("-n", netns) if netns else ()
