# SPDX-License-Identifier: Apache-2.0
"""JSON rows → aligned tables, printed row by row as they come."""

CORE_COLUMNS = (("family", 6), ("flows", 10), ("cycles/packet", 13), ("quiet", 7),
                ("lowest-highest", 15), ("hits", 10), ("misses", 10), ("pages", 11))

XDP_COLUMNS = (("flows", 10), ("guideway ns", 11), ("lowest-highest", 15), ("lru ns", 7),
               ("lowest-highest", 15), ("lru/guideway", 12), ("hits", 9), ("misses", 9))


def machine_lines(facts):
    virtual = ", virtual" if facts["virtual"] else ""
    return [f"{facts['cpu']} (model {facts['cpu_model']}), {facts['cpus']} CPUs{virtual}, "
            f"{facts['tsc_mhz']:.0f} MHz",
            f"{facts['system']}, Linux {facts['kernel']}, load {facts['load']}",
            f"{facts['compiler']}, {facts['buildtype']} -O{facts['optimization']}, "
            f"commit {facts['commit']}, {facts['date']}"]


def core_title(row):
    return (f"{row['pipeline']} pipeline, {row['forwarding']}, bursts of {row['burst']}, "
            f"ring of {row['ring']}, {row['backends']} backends, {row['services']} service(s), "
            f"{row['rounds']} rounds; TSC cycles")


def core_header():
    return aligned([name for name, _ in CORE_COLUMNS], CORE_COLUMNS)


def core_line(row):
    flows = "new" if row["traffic"] == "new" else f"{row['flows']:,}".replace(",", " ")
    return aligned([row["family"], flows, f"{row['cycles_per_packet']:.1f}",
                    f"{row['quiet_cycles_per_packet']:.1f}",
                    f"{row['lowest_round']:.1f}-{row['highest_round']:.1f}",
                    row["hits"], row["misses"], row["pages"]], CORE_COLUMNS)


def xdp_title(row):
    return (f"XDP, IPv4 TCP of 64 bytes, ipip, {row['backends']} backends, "
            f"{row['table_entries']} entries, {row['rounds']} rounds; "
            f"net of the empty program ({row['empty_ns']:.1f} ns)")


def xdp_header():
    return aligned([name for name, _ in XDP_COLUMNS], XDP_COLUMNS)


def xdp_line(ours, lru):
    flows = "new" if ours["flows"] == "new" else f"{ours['flows']:,}".replace(",", " ")
    return aligned([flows, *xdp_times(ours), *xdp_times(lru),
                    f"{lru['ns_per_packet'] / ours['ns_per_packet']:.1f}",
                    ours["hits"], ours["misses"]], XDP_COLUMNS)


def xdp_times(row):
    return f"{row['ns_per_packet']:.1f}", f"{row['lowest_round']:.1f}-{row['highest_round']:.1f}"


def aligned(cells, columns):
    return "  ".join(str(cell).rjust(width) for cell, (_, width) in zip(cells, columns))
