# SPDX-License-Identifier: Apache-2.0
"""What the documentation names has to exist: links, counters, paths, identifiers of the core."""

import functools
import re

from . import tree

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
COUNTER = re.compile(r'^ *X\(\w+,.*?"(\w+)"', re.MULTILINE)
# Page → the X-macro lists whose counters it has to explain.
COUNTER_TABLES = (("docs/operations.md", "include/guideway/core/reasons.h"),
                  ("docs/decapsulator.md", "bpf/decap.h"))
METRIC_TABLE = "docs/operations.md"
METRIC_USERS = ("config/alerts.yml", "config/grafana-dashboard.json")
METRIC = re.compile(r'"(guideway_[a-z_]+)"')
METRIC_IN_USE = re.compile(r"\bguideway_[a-z_]+")
TOP_FOLDERS = ("include", "src", "bpf", "tests", "tools", "docs", "config")
PATH = re.compile(rf"^(?:{'|'.join(TOP_FOLDERS)})/[\w./-]*$|^guideway/[\w/]+\.h$")
HEADER = re.compile(r"^\w+(?:/\w+)*\.h$")
IDENTIFIER = re.compile(r"^(gw_\w+|GW_\w+)(?:\(.*\))?$")


def documents():
    return [path for path in tree.files()
            if path.suffix == ".md" and (path.parts[0] == "docs" or len(path.parts) == 1)]


def link_problems():
    """Relative links lead to a file, and to one of its headings; every page is linked somewhere."""
    found = []
    linked = {tree.ROOT / "README.md"}
    for document in documents():
        for link in LINK.findall(FENCE.sub("", tree.text(document))):
            if re.match(r"[a-z]+:", link):
                continue
            place, _, anchor = link.partition("#")
            page = tree.ROOT / document
            target = (page.parent / place).resolve() if place else page
            linked |= {target} - {page}
            if not target.exists():
                found.append(f"{document}: link to {link}: there is no such file")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                found.append(f"{document}: link to {link}: there is no such heading")
    return found + [f"{document}: no page links to it; an index is docs/README.md, "
                    "docs/adr/README.md" for document in documents()
                    if tree.ROOT / document not in linked]


def anchors(path):
    """Headings as the places that hold Markdown make anchors of them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ +(.*?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def counter_problems():
    """Each counter of the core and of the decapsulator has a row in the table that explains it."""
    return [problem for page, lists in COUNTER_TABLES for problem in missing_rows(page, lists)]


def missing_rows(page, lists):
    if not (tree.ROOT / page).exists():
        return [f"{page} is missing: it says what each counter means and what to do"]
    rows = "\n".join(line for line in (tree.ROOT / page).read_text(encoding="utf-8").splitlines()
                     if line.startswith("|"))
    names = COUNTER.findall(tree.text(lists))
    if len(names) < 10:
        return [f"{lists}: its lists are not in the form that this reads"]
    return [f"{page}: no table row for the counter `{name}`"
            for name in names if f"`{name}`" not in rows]


def metric_problems():
    """Each metric has a row in the table that explains it; alerts and dashboard use no others."""
    sources = [path for path in tree.cxx_files() if path.parts[:2] == ("src", "metrics")]
    metrics = {name for path in sources for name in METRIC.findall(tree.text(path))}
    if len(metrics) < 10:
        return ["src/metrics: its names are not in the form that this reads"]
    rows = "\n".join(line for line in tree.text(METRIC_TABLE).splitlines() if line.startswith("| `"))
    found = [f"{METRIC_TABLE}: no table row for the metric `{name}`"
             for name in sorted(metrics) if f"`{name}`" not in rows]
    for user in METRIC_USERS:
        used = {name.removesuffix("_bucket") for name in METRIC_IN_USE.findall(tree.text(user))}
        found += [f"{user}: there is no metric {name}" for name in sorted(used - metrics)]
    return found


def name_problems():
    """Paths, headers and core identifiers in `code` exist."""
    found = []
    for document in documents():
        for name in CODE.findall(FENCE.sub("", tree.text(document))):
            if not exists(name.strip()):
                found.append(f"{document}: `{name}` does not exist")
    return found


def exists(name):
    """False only for what looks like a path, a header or a core identifier, and is none."""
    if PATH.match(name):
        place = f"include/{name}" if name.startswith("guideway/") else name
        return (tree.ROOT / place).exists()
    if HEADER.match(name):
        return any(f"/{path}".endswith(f"/{name}") for path in tree.files())
    identifier = IDENTIFIER.match(name)
    return not identifier or identifier.group(1) in identifiers()


@functools.lru_cache(maxsize=None)
def identifiers():
    words = set()
    for path in tree.cxx_files():
        words.update(re.findall(r"\b(?:gw|GW)_\w+", tree.text(path)))
    reasons = re.findall(r"^ *X\((\w+),", tree.text("include/guideway/core/reasons.h"), re.MULTILINE)
    return words | {f"GW_REASON_{word}" for word in reasons} | {
        f"GW_EVENT_{word}" for word in reasons}


CHECKS = {"links": link_problems, "counters": counter_problems,
          "metrics": metric_problems, "names": name_problems}
