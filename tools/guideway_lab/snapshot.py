# SPDX-License-Identifier: Apache-2.0
"""What a daemon could leave behind on a host, as comparable values."""

import os
import pathlib

from guideway_lab.shell import ip_json, run

_HUGE_PAGES = pathlib.Path("/sys/kernel/mm/hugepages")


def take(plan):
    """Links, addresses and routes of the lab's namespaces and of the host; mounts, huge pages, /run.

    Other labs are left out, and in this lab's folder what guidewayd is meant to leave: its log and
    its state.
    """
    namespaces = [None, *(plan.netns(role) for role in plan.roles)]
    return {
        "namespaces": sorted(name for name in _netns_names() if _is_ours(name, plan)),
        "links": {netns: _links(netns) for netns in namespaces},
        "routes": {netns: _routes(netns) for netns in namespaces},
        "nftables": {netns: _nft_tables(netns) for netns in namespaces},
        "mounts": pathlib.Path("/proc/self/mounts").read_text().splitlines(),
        "huge pages": _huge_pages(),
        "files": sorted(_files(plan)),
    }


def differences(before, after):
    """One line for each part that is not as before; empty if nothing changed."""
    return [
        f"{part}: before {before[part]}, after {after[part]}"
        for part in before
        if before[part] != after[part]
    ]


def _netns_names():
    return os.listdir("/run/netns") if os.path.isdir("/run/netns") else []


def _is_ours(netns, plan):
    return not netns.startswith("gwlab-") or netns.startswith(plan.netns(""))


def _links(netns):
    """Each link with its addresses."""
    return {
        link["ifname"]: sorted(f"{a['local']}/{a['prefixlen']}" for a in link.get("addr_info", []))
        for link in ip_json(netns, "address", "show")
        if link
    }


def _routes(netns):
    shown = (run("ip", *_scope(netns), f, "route", "show", "table", "all").stdout for f in ("-4", "-6"))
    return sorted(line.strip() for text in shown for line in text.splitlines())


def _nft_tables(netns):
    return run("nft", "list", "tables", netns=netns).stdout.splitlines()


def _huge_pages():
    counts = {}
    for size in _HUGE_PAGES.glob("hugepages-*"):
        for what in ("nr_hugepages", "free_hugepages", "resv_hugepages"):
            counts[f"{size.name}/{what}"] = int((size / what).read_text())
    return counts


def _files(plan):
    """Names under /run and in every place for shared memory and huge pages."""
    meant = {str(plan.run_dir / name) for name in ("guidewayd.log", "state")}
    for top in ("/run", "/dev/shm", "/dev/hugepages", "/var/lib/guideway"):
        for folder, folders, files in os.walk(top):
            folders[:] = [d for d in folders if not _is_other_lab(folder, d, plan)]
            folders[:] = [d for d in folders if f"{folder}/{d}" not in meant]
            for name in (*folders, *files):
                if f"{folder}/{name}" not in meant and not _is_other_lab(folder, name, plan):
                    yield f"{folder}/{name}"


def _is_other_lab(folder, name, plan):
    if folder == "/run/netns":
        return not _is_ours(name, plan)
    return folder == "/run" and name.startswith("gwlab-") and name != plan.run_dir.name


def _scope(netns):
    return ("-n", netns) if netns else ()
