"""Results: what was measured, how it compares, and both as a table and as JSON."""

import platform
import statistics
import sys
from dataclasses import dataclass, field


@dataclass
class Row:
    """One measure, taken of several contenders in turn."""

    measure: str
    unit: str
    values: dict = field(default_factory=dict)    # contender -> one value a round
    not_run: dict = field(default_factory=dict)   # contender -> why
    floors: dict = field(default_factory=dict)    # contender -> its floor
    curve: tuple | None = None  # (title, x): a point of each contender's line in a chart

    def ratios(self, contender, other):
        """Round by round; empty if either was not measured."""
        return [a / b for a, b in zip(self.values.get(contender, ()), self.values.get(other, ()))]


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

    def add(self, row, *goals):
        self.rows.append(row)
        self.goals += [Goal(row, *goal) for goal in goals]

    def document(self):
        return {"schema": "sluice.bench/1", "host": host(),
                "rows": [row_document(row) for row in self.rows],
                "goals": [goal_document(goal) for goal in self.goals]}

    def print(self):
        print_table(["measure", "unit", "contender", "median", "min", "max", "x floor",
                     "x nftables"],
                    [line for row in self.rows for line in row_lines(row)])
        print()
        print_table(["goal", "ratio", "median", "min", "max", "wanted", ""],
                    [goal_line(goal) for goal in self.goals])
        for row in self.rows:
            for contender, reason in row.not_run.items():
                print(f"not run: {contender}, {row.measure}: {reason}")


def host():
    return {"kernel": platform.release(), "machine": platform.machine(),
            "cpus": sum(line.startswith("processor") for line in open("/proc/cpuinfo"))}


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def number(value):
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def row_lines(row):
    for contender, values in row.values.items():
        ratios = [row.ratios(contender, other) if other != contender else []
                  for other in (row.floors.get(contender), "nftables")]
        yield [row.measure, row.unit, contender, *map(number, spread(values).values()),
               *(f"{statistics.median(r):.2f}" if r else "" for r in ratios)]


def goal_line(goal):
    values = goal.values()
    figures = map(number, spread(values).values()) if values else ["-"] * 3
    return [goal.row.measure, f"{goal.contender} / {goal.other}" if goal.other else goal.contender,
            *figures, f"{'>=' if goal.at_least else '<='} {goal.bound:g}",
            {True: "met", False: "MISSED", None: "not run"}[goal.met()]]


def row_document(row):
    return {"measure": row.measure, "unit": row.unit,
            "contenders": [{"name": name, **spread(values), "rounds": values}
                           for name, values in row.values.items()],
            "not_run": row.not_run}


def goal_document(goal):
    values = goal.values()
    return {"measure": goal.row.measure, "contender": goal.contender, "other": goal.other,
            "at_least" if goal.at_least else "at_most": goal.bound,
            "met": goal.met(), **(spread(values) if values else {}), "rounds": values}


def print_table(head, lines):
    lines = [head, *lines]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


class Progress:
    """One line on stderr that says what is under way; lines of its own when not a terminal."""

    def __init__(self, stream=sys.stderr):
        self.stream = stream

    def __call__(self, text):
        end = "\r" if self.stream.isatty() else "\n"
        clear = "\x1b[K" if self.stream.isatty() else ""
        self.stream.write(f"{clear}{text}{end}")
        self.stream.flush()
