# SPDX-License-Identifier: Apache-2.0
"""JSON rows → aligned tables, row by row as they come.

A table's lines(row) are a row's line, with a title and the header in front when the title is new.
"""


def machine_lines(facts):
    virtual = ", virtual" if facts["virtual"] else ""
    siblings = f"SMT siblings {' '.join(facts['smt_siblings'])}" if facts["smt_siblings"] else "no SMT siblings"
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return [f"{facts['cpu']} (model {facts['cpu_model']}), {facts['cpus']} CPUs{virtual}, {siblings}, "
            f"{facts['tsc_mhz']:.0f} MHz",
            f"{facts['system']}, Linux {facts['kernel']}, load {facts['load']}; {versions}",
            f"{facts['compiler']}, {facts['buildtype']} -O{facts['optimization']}, "
            f"commit {facts['commit']}, {facts['date']}"]


def aligned(cells, widths):
    return "  ".join(str(cell).rjust(width) for cell, width in zip(cells, widths))


def number(value):
    """12 345 678."""
    return f"{value:,}".replace(",", " ")


def percent(share, digits=4):
    return f"{100 * share:.{digits}f} %"


class Table:
    """Subclasses have COLUMNS, (header, width) each, title(row) and cells(row)."""

    COLUMNS = ()

    def __init__(self):
        self._title = None

    def columns(self, _row):
        return self.COLUMNS

    def lines(self, row):
        columns = self.columns(row)
        widths = [width for _, width in columns]
        title = self.title(row)
        if title != self._title:
            self._title = title
            yield ""
            yield title
            yield aligned([header for header, _ in columns], widths)
        yield aligned(self.cells(row), widths)


class Core(Table):
    COLUMNS = (("family", 6), ("flows", 10), ("cycles/packet", 13), ("95 % interval", 13),
               ("quiet", 7), ("IPv6/IPv4", 22), ("hits", 10), ("misses", 10), ("pages", 11))

    def title(self, row):
        return (f"{row['pipeline']} pipeline, {row['forwarding']}, bursts of {row['burst']}, "
                f"ring of {row['ring']}, {row['backends']} backends, {row['services']} service(s), "
                f"{row['rounds']} rounds; TSC cycles")

    def cells(self, row):
        return (row["family"], "new" if row["traffic"] == "new" else number(row["flows"]),
                f"{row['cycles_per_packet']:.1f}", interval(row),
                f"{row['quiet_cycles_per_packet']:.1f}",
                times(row, "ratio_") if "ratio" in row else "",
                row["hits"], row["misses"], row["pages"])


class Xdp(Table):
    """Two rows a line: first ours, then the one to compare with."""

    COLUMNS = (("flows", 10), ("one load", 8), ("guideway ns", 11), ("95 % interval", 13),
               ("lru ns", 7), ("95 % interval", 13), ("lru/guideway", 22), ("hits", 9),
               ("misses", 9))

    def __init__(self):
        super().__init__()
        self._ours = None
        self._first_empty_ns = None

    def lines(self, row):
        if row["program"] == "guideway":
            self._ours = row
            return ()
        return super().lines(row)

    def title(self, row):
        self._first_empty_ns = self._first_empty_ns or row["empty_ns"]
        return (f"XDP, IPv4 TCP of 64 bytes, ipip, {row['backends']} backends, "
                f"{row['table_entries']} entries, {row['rounds']} rounds; "
                f"net of the empty program ({self._first_empty_ns:.1f} ns)")

    def cells(self, row):
        ours = self._ours
        return ("new" if ours["flows"] == "new" else number(ours["flows"]),
                f"{ours['load_ns']:.1f}", *self._times(ours), *self._times(row),
                times(row, "ratio_"), ours["hits"], ours["misses"])

    @staticmethod
    def _times(row):
        return f"{row['ns_per_packet']:.1f}", interval(row)


class XdpSwaps(Table):
    COLUMNS = (("flows", 10), ("ns", 8), ("then", 8), ("throughput lost", 24), ("hits", 10))

    def title(self, row):
        return (f"XDP, new tables, built and published {row['swaps_per_s']:.0f} times a second, "
                f"{row['rounds']} rounds; ns per packet, net of the empty program")

    def cells(self, row):
        return (number(row["flows"]), f"{row['ns_per_packet']:.1f}",
                f"{row['ns_per_packet_then']:.1f}", interval_in_percent(row, "throughput_lost"),
                row["hits"])


class Maglev(Table):
    COLUMNS = (("slots", 8), ("backends", 8), ("weights", 8), ("median ms", 10), ("p95 ms", 8),
               ("least ms", 8))

    def title(self, row):
        return f"a pool's slot table, built {row['runs']} times"

    def cells(self, row):
        return (row["slots"], row["backends"], row["weights"],
                *(f"{row[key]:.3f}" for key in ("median_ms", "p95_ms", "least_ms")))


class Health(Table):
    def lines(self, row):
        yield ""
        yield f"{row['backends']} checks, {row['probes']} probes, failed: {row['failed']}"
        yield (f"started within 100 ms of due: {row['within_100_ms_percent']:.4g} %; late by "
               f"{row['late_median_ms']:.2f} ms (median), {row['late_p99_ms']:.1f} ms (99 %), "
               f"{row['late_most_ms']:.1f} ms (most)")
        yield (f"user time {row['user_percent_of_a_core']:.2g} % of a core, "
               f"system time {row['system_percent_of_a_core']:.2g} % of a core")
        if "in_time_is_kept" in row:  # older rows have it not
            kept = {True: "kept", False: "not kept"}
            yield (f"promised: 99 % in time, {kept[row['in_time_is_kept']]}; 20 % of a core, "
                   f"{kept[row['user_share_is_kept']]}")


class Memory(Table):
    COLUMNS = (("table", 5), ("load", 5), ("flows", 10), ("bytes", 11), ("bytes/flow", 10),
               ("untracked", 12), ("worst seed", 12))

    def title(self, row):
        return f"established flows that find no room, {row['seeds']} hash keys"

    def cells(self, row):
        return (row["table"], f"{100 * row['load']:.0f} %", number(row["flows"]),
                number(row["bytes"]), f"{row['bytes_per_flow']:.2f}", percent(row["untracked"]),
                percent(row["untracked_worst"]))


class Disruption(Table):
    COLUMNS = (("backends", 8), ("its share", 9), ("slots", 9), ("worst", 9),
               ("untracked flows", 15), ("worst", 9), ("tracked flows", 13), ("load", 13))

    def title(self, row):
        return (f"moved when one backend leaves: {number(row['flows'])} flows, {row['seeds']} hash keys; "
                "load of a backend, of the mean")

    def cells(self, row):
        pairs = [row[key] for key in ("slots_moved", "untracked_moved")]
        return (row["backends"], percent(row["its_share"], 3),
                *(percent(pair[which], 3) for pair in pairs for which in ("mean", "worst")),
                percent(row["tracked_moved"]["worst"], 3),
                f"{row['load_least']:.3f}-{row['load_most']:.3f}")


class Flood(Table):
    COLUMNS = (("flood", 5), ("established", 11), ("remapped", 8), ("alone", 7), ("flooded", 7),
               ("throughput lost", 24), ("the flood's", 11), ("flood packets", 13), ("evicted", 10))

    def title(self, row):
        return (f"nine packets of ten are a flood, {row['table_entries']} entries on {row['pages']} pages, "
                f"{row['rounds']} pairs; TSC cycles per packet")

    def cells(self, row):
        return (row["flood"], number(row["flows"]), row["remapped"], f"{row['cycles_alone']:.1f}",
                f"{row['cycles_under_flood']:.1f}", interval_in_percent(row, "throughput_lost"),
                f"{row['cycles_of_flood']:.1f}", row["flood_packets"], row["evicted"])


class Scale(Table):
    _TITLES = {"services": "services of one pool", "backends": "backends of one pool",
               "swaps": "new tables, built and published {swaps_per_s:.0f} times a second",
               "workers": "two workers at once"}

    def title(self, row):
        title = self._TITLES[row["what"]].format(swaps_per_s=row.get("swaps_per_s", 0))
        return f"{title}: {number(row['flows'])} flows, {row['rounds']} rounds; TSC cycles per packet"

    def columns(self, row):
        first = row["what"] if row["what"] in row else "before"
        last = {"swaps": "throughput lost", "workers": "packets a second"}.get(row["what"], "ratio")
        return ((first, 8), ("cycles" if first == row["what"] else "then", 8), (last, 24),
                ("hits", 10), ("misses", 8), ("pages", 11))

    def cells(self, row):
        cycles = f"{row['cycles_per_packet']:.1f}"
        if row["what"] in row:
            numbers = (number(row[row["what"]]), cycles)
        else:
            numbers = (cycles, f"{row['cycles_per_packet_then']:.1f}")
        if row["what"] == "swaps":
            last = interval_in_percent(row, "throughput_lost")
        else:
            last = times(row)
        return (*numbers, last, row["hits"], row["misses"], row["pages"])


def interval(row):
    return f"{row['low']:.1f}-{row['high']:.1f}"


def times(row, prefix=""):
    """A ratio with its interval."""
    return f"{row['ratio']:.3f} x ({row[prefix + 'low']:.3f}-{row[prefix + 'high']:.3f})"


def interval_in_percent(row, key):
    return f"{100 * row[key]:.1f} % ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
