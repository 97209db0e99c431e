# SPDX-License-Identifier: Apache-2.0
"""Where every row goes: JSON lines or tables on the screen, and raw lines into a folder."""

import json

from . import table


class Output:
    """Rows are kept until forget()."""

    def __init__(self, as_json):
        self.as_json = as_json
        self._rows = {}
        self._facts = None

    def machine(self, facts):
        """What all rows were measured on."""
        self._facts = facts
        self._show(facts, table.machine_lines(facts))

    def row(self, name, row, lines):
        """A row of the benchmark `name`, and what people see of it."""
        self._rows.setdefault(name, []).append(row)
        self._show(row, lines)

    def save(self, folder):
        """One file for each benchmark that has rows: the machine, then the rows. Whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in self._rows.items():
            text = "".join(json.dumps(row) + "\n" for row in (self._facts, *rows))
            unfinished = folder / f"{name}.jsonl.new"
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(folder / f"{name}.jsonl")

    def forget(self):
        """The rows so far: saved, or of a benchmark that failed."""
        self._rows.clear()

    def _show(self, row, lines):
        for line in [json.dumps(row)] if self.as_json else lines:
            print(line, flush=True)
