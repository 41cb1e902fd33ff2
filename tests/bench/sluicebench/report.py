# SPDX-License-Identifier: GPL-2.0-or-later
"""Results: what was measured, how it compares, and both as a document."""

import platform
import statistics
import sys
import time
from dataclasses import dataclass, field


@dataclass
class Row:
    """One measure, taken of several contenders in turn."""

    measure: str
    unit: str
    values: dict = field(default_factory=dict)    # contender -> one value a round
    not_run: dict = field(default_factory=dict)   # contender -> why it can't run here
    refused: dict = field(default_factory=dict)   # contender -> why its numbers are not trusted
    floors: dict = field(default_factory=dict)    # contender -> its floor
    curve: tuple | None = None  # (title, x[, label]): a point of each contender's line in a chart
    part: str = ""              # of the bench

    def ratios(self, contender, other):
        """Round by round; empty if either was not measured."""
        return [a / b for a, b in zip(self.values.get(contender, ()), self.values.get(other, ()))]

    def beside(self, other):
        """Takes over who was not measured in a row that this one is worked out from."""
        self.not_run |= other.not_run
        self.refused |= other.refused


@dataclass
class Goal:
    """A ratio (or, with no other, a value) that is to be reached."""

    row: Row
    contender: str
    other: str | None
    bound: float
    at_least: bool = True

    def values(self):
        if self.other:
            return self.row.ratios(self.contender, self.other)
        return self.row.values.get(self.contender, [])

    def met(self):
        """None if not measured."""
        values = self.values()
        if not values:
            return None
        median = statistics.median(values)
        return median >= self.bound if self.at_least else median <= self.bound


class Report:
    def __init__(self):
        self.rows, self.goals = [], []
        self.part = ""  # under way

    def add(self, row, *goals):
        row.part = self.part
        self.rows.append(row)
        self.goals += [Goal(row, *goal) for goal in goals]

    def document(self):
        return {"schema": "sluice.bench/1", "host": host(),
                "rows": [row_document(row) for row in self.rows],
                "goals": [goal_document(goal) for goal in self.goals]}


def host():
    return {"kernel": platform.release(), "machine": platform.machine(),
            "cpus": sum(line.startswith("processor") for line in open("/proc/cpuinfo"))}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def row_document(row):
    return {"part": row.part, "measure": row.measure, "unit": row.unit,
            "contenders": [{"name": name, **spread(values), "rounds": values}
                           for name, values in row.values.items()],
            "not_run": row.not_run, "refused": row.refused}


def goal_document(goal):
    values = goal.values()
    return {"part": goal.row.part, "measure": goal.row.measure, "contender": goal.contender,
            "other": goal.other, "at_least" if goal.at_least else "at_most": goal.bound,
            "met": goal.met(), **(spread(values) if values else {}), "rounds": values}


class Progress:
    """One line on stderr that says what is under way; lines of its own when not a terminal."""

    def __init__(self, stream=sys.stderr):
        self.stream, self.part, self.start = stream, "", time.monotonic()

    def __call__(self, text):
        end = "\r" if self.stream.isatty() else "\n"
        clear = "\x1b[K" if self.stream.isatty() else ""
        minutes, seconds = divmod(int(time.monotonic() - self.start), 60)
        self.stream.write(f"{clear}{minutes:3}:{seconds:02} {self.part}: {text}{end}")
        self.stream.flush()
