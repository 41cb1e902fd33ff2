# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as one table: a line for each contender, and below it one for each ratio it is to reach."""

import statistics

from .report import spread

HEAD = ["part", "measure", "unit", "contender", "median", "min", "max", "x floor", "x nftables",
        "wanted", ""]
MET = {True: "met", False: "MISSED", None: "not run"}


def show(report):
    lines = []
    for row in report.rows:
        lines += of_row(row, [goal for goal in report.goals if goal.row is row])
    print_aligned([HEAD, *without_repeats(lines)])
    for group in ("refused", "not_run"):
        for (contender, reason), measures in left_out(report.rows, group).items():
            print(f"{group.replace('_', ' ')}: {contender}: {reason} ({'; '.join(measures)})")


def of_row(row, goals):
    head = [row.part, row.measure]
    for name in dict.fromkeys([*row.values, *(goal.contender for goal in goals)]):
        values = row.values.get(name)
        own = [goal for goal in goals if goal.contender == name and not goal.other]
        yield [*head, row.unit, name, *figures(values), *compared(row, name), *judged(own)]
        for goal in goals:
            if goal.contender == name and goal.other:
                yield [*head, "ratio", f"  / {goal.other}", *figures(goal.values()), "", "",
                       *judged([goal])]


def compared(row, name):
    """Median ratios to the contender's floor and to nftables."""
    ratios = (row.ratios(name, other) if other != name else []
              for other in (row.floors.get(name), "nftables"))
    return [f"{statistics.median(some):.2f}" if some else "" for some in ratios]


def figures(values):
    return map(number, spread(values).values()) if values else ["-"] * 3


def judged(goals):
    if not goals:
        return ["", ""]
    wanted = ", ".join(f"{'>=' if goal.at_least else '<='} {goal.bound:g}" for goal in goals)
    worst = max(goals, key=lambda goal: (True, None, False).index(goal.met()))
    return [wanted, MET[worst.met()]]


def number(value):
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def without_repeats(lines):
    """Part and measure where they change."""
    before = [None, None]
    for line in lines:
        yield ["" if line[:n + 1] == before[:n + 1] else line[n] for n in (0, 1)] + line[2:]
        before = line[:2]


def left_out(rows, group):
    """{(contender, reason): measures}"""
    found = {}
    for row in rows:
        for contender, reason in getattr(row, group).items():
            found.setdefault((contender, reason), []).append(row.measure)
    return found


def print_aligned(lines, right=()):
    """right: columns of numbers, which end at the same place."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.rjust(width) if column in right else cell.ljust(width)
                        for column, (cell, width) in enumerate(zip(line, widths))).rstrip())
