# SPDX-License-Identifier: Apache-2.0
"""What Guideway counted beside what the backends counted."""

import dataclasses

from guideway_lab import backends
from guideway_lab.shares import Share

# A right share lies further off than this once in 16,000 times.
MAX_DEVIATIONS = 4.0


@dataclasses.dataclass(frozen=True)
class Counts:
    """One backend, from both sides: nginx and nftables there, flows, packets and slots here."""

    connections: int
    requests: int
    packets_in: int
    flows: int
    packets: int
    slots: int

    def since(self, earlier):
        """The difference; the slots are the present ones."""
        pairs = zip(dataclasses.astuple(self)[:-1], dataclasses.astuple(earlier)[:-1], strict=True)
        return Counts(*(now - before for now, before in pairs), self.slots)


@dataclasses.dataclass(frozen=True)
class Observation:
    """All backends of a lab at one time, by name."""

    counts: dict
    # Beside afxdp: packets of a worker that did not get to it for a moment. Worker and program may
    # then both record a flow of which each saw a packet.
    stood_in: int = 0

    def if_packets_agree(self):
        """Itself, when every packet that was sent to a backend came in there; else None."""
        agree = all(c.packets == c.packets_in for c in self.counts.values())
        return self if agree else None


def observe(lab):
    """Reads every counter of a lab."""
    reported = lab.director.backends()
    counts = {name: _counts(lab.plan, name, reported) for name in lab.plan.backend_names}
    return Observation(counts, _stood_in(lab))


def shares(before, after):
    """Each backend's part of the connections made in between, beside its share of the slots."""
    grown = _grown(before, after)
    total = sum(c.connections for c in grown.values())
    slots = sum(c.slots for c in grown.values())
    return {
        name: Share(c.connections, total, c.slots / slots if slots else 0.0)
        for name, c in grown.items()
    }


def comparison_table(before, after):
    """Lines of text: what happened in between."""
    lines = [
        "           |      at the backend      |    Guideway counted    | share of connections",
        "           | requests  conns. packets |  flows packets  slots | expected  found deviation",
    ]
    parts = shares(before, after)
    for name, c in _grown(before, after).items():
        share = parts[name]
        lines.append(
            f" {name:<10}| {c.requests:>8} {c.connections:>7} {c.packets_in:>7} "
            f"| {c.flows:>6} {c.packets:>7} {c.slots:>6} "
            f"| {share.expected:>8.2%} {share.found:>6.2%} {share.deviations:>+6.2f} sd"
        )
    return lines


def comparison_problems(before, after):
    """What does not agree, as sentences."""
    problems = []
    parts = shares(before, after)
    for name, c in _grown(before, after).items():
        if c.packets != c.packets_in:
            problems.append(f"{name} received {c.packets_in} packets, Guideway sent {c.packets}")
        if not 0 <= c.flows - c.connections <= after.stood_in - before.stood_in:
            problems.append(f"{name} saw {c.connections} connections, Guideway {c.flows} flows")
        if abs(parts[name].deviations) > MAX_DEVIATIONS:
            problems.append(f"{name} is {parts[name].deviations:+.1f} deviations off its share")
    return problems


def _stood_in(lab):
    status = lab.director.status() if lab.plan.datapath == "afxdp" else None
    rows = status["workers"] if status else []
    return sum(row["forwarded"] for row in rows if row["role"] == "xdp")


def _grown(before, after):
    return {name: after.counts[name].since(before.counts[name]) for name in after.counts}


def _counts(plan, name, reported):
    http = backends.http_count(plan, name)
    ours = reported.get(name, {"flows": 0, "packets": 0, "slots": 0})
    return Counts(
        connections=http.connections,
        requests=http.requests,
        packets_in=backends.packet_count(plan, name),
        flows=ours["flows"],
        packets=ours["packets"],
        slots=ours["slots"],
    )
