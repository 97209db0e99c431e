# SPDX-License-Identifier: Apache-2.0
"""The raw lines of a folder → plots, PNG and SVG."""

import json
import sys

from .build import Failed

_OURS, _OTHER, _IDEAL = "#1b6ca8", "#c8553d", "#777777"


def demand_matplotlib():
    try:
        import matplotlib  # pylint: disable=import-outside-toplevel
    except ImportError:
        raise Failed("--plot needs python3-matplotlib: run tools/setup build bench") from None
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.hashsalt": "guideway", "axes.grid": True, "grid.alpha": 0.3,
                                "font.size": 9})


def draw_all(folder):
    """Draws each plot that there are lines for. Those of one folder may come from several runs."""
    demand_matplotlib()
    for name, draw, needed in (("cost-against-flows", _cost, ("core", "xdp")),
                               ("load-per-backend", _load, ("disruption",)),
                               ("disruption-on-change", _disruption, ("disruption",))):
        rows = {bench: _rows(folder, bench) for bench in needed}
        if all(rows.values()):
            _save(draw(rows), folder, name)


def _rows(folder, bench):
    """Its rows, without the machine's; none if it has not been run."""
    try:
        text = (folder / f"{bench}.jsonl").read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [row for row in map(json.loads, text.splitlines()) if row["bench"] == bench]


def _save(figure, folder, name):
    figure.tight_layout()
    for kind, words in (("png", {"dpi": 150}), ("svg", {"metadata": {"Date": None}})):
        figure.savefig(folder / f"{name}.{kind}", **words)
        print(f"bench: {folder / name}.{kind}", file=sys.stderr)


def _figure(panels, width=10):
    from matplotlib.figure import Figure  # pylint: disable=import-outside-toplevel
    figure = Figure(figsize=(width, 4))
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def _cost(rows):
    figure, (cycles, ns) = _figure(2)
    for family, colour in ((4, _OURS), (6, _OTHER)):
        _curve(cycles, [row for row in rows["core"] if row["family"] == family and row["flows"]],
               "cycles_per_packet", f"IPv{family}", colour)
    cycles.set(title="dpdk: packet path in memory", ylabel="TSC cycles per packet")
    for program, colour in (("guideway", _OURS), ("lru", _OTHER)):
        _curve(ns, [row for row in rows["xdp"] if row["program"] == program and row["flows"] != "new"],
               "ns_per_packet", "with the kernel's LRU hash" if program == "lru" else program, colour)
    ns.set(title="xdp: the program by test runs", ylabel="ns per packet")
    for axes in (cycles, ns):
        axes.set(xlabel="flows", xscale="log", ylim=(0, None))
        axes.legend()
    return figure


def _curve(axes, rows, key, label, colour):
    """Medians, with their 95 % intervals."""
    flows = [row["flows"] for row in rows]
    axes.plot(flows, [row[key] for row in rows], "o-", color=colour, label=label)
    axes.fill_between(flows, [row["low"] for row in rows], [row["high"] for row in rows], color=colour, alpha=0.15, linewidth=0)


def _load(rows):
    figure, panels = _figure(len(rows["disruption"]))
    for axes, row in zip(panels, rows["disruption"]):
        axes.plot(range(1, row["backends"] + 1), row["load"], drawstyle="steps-mid", color=_OURS)
        axes.axhline(1, color=_IDEAL, linewidth=1)
        axes.set(title=f"{row['backends']} backends", xlabel="backend, by load",
                 ylim=(min(0.8, row["load_least"] - 0.02), max(1.2, row["load_most"] + 0.02)))
    panels[0].set(ylabel=f"flows, of the mean ({rows['disruption'][0]['flows']:,} flows)")
    return figure


def _disruption(rows):
    figure, (axes,) = _figure(1, 6)
    rows = sorted(rows["disruption"], key=lambda row: row["backends"])
    backends = [row["backends"] for row in rows]
    for key, label, mark, colour in (("untracked_moved", "untracked flows, worst", "o-", _OTHER),
                                     ("slots_moved", "slots, worst", "x", "black"),
                                     ("tracked_moved", "tracked flows, worst", "s-", _OURS)):
        axes.plot(backends, [100 * row[key]["worst"] for row in rows], mark, color=colour, label=label)
    axes.plot(backends, [100 * row["its_share"] for row in rows], ":", color=_IDEAL,
              label="the backend's own share")
    axes.set(title="one backend leaves", xlabel="backends before", xscale="log", ylabel="moved, %")
    axes.set_yscale("symlog", linthresh=0.1)
    axes.set_ylim(-0.03, 100)
    axes.legend(loc="upper right")
    return figure
