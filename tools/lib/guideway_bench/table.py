# SPDX-License-Identifier: Apache-2.0
"""JSON rows → aligned tables, printed row by row as they come."""

CORE_COLUMNS = (("family", 6), ("flows", 10), ("cycles/packet", 13), ("quiet", 7),
                ("lowest-highest", 15), ("hits", 10), ("misses", 10), ("pages", 11))


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
    return aligned([name for name, _ in CORE_COLUMNS])


def core_line(row):
    flows = "new" if row["traffic"] == "new" else f"{row['flows']:,}".replace(",", " ")
    return aligned([row["family"], flows, f"{row['cycles_per_packet']:.1f}",
                    f"{row['quiet_cycles_per_packet']:.1f}",
                    f"{row['lowest_round']:.1f}-{row['highest_round']:.1f}",
                    row["hits"], row["misses"], row["pages"]])


def aligned(cells):
    return "  ".join(str(cell).rjust(width) for cell, (_, width) in zip(cells, CORE_COLUMNS))
