# SPDX-License-Identifier: GPL-2.0-or-later
"""How a cost grows: a line through it over the logarithm of a number, as caches make it."""

import math

from .report import Row


def line(points):
    """Least squares. points: {number: cost}. (cost at 1, cost more for each tenfold)"""
    xs = [math.log10(number) for number in points]
    x, y = sum(xs) / len(xs), sum(points.values()) / len(points)
    slope = (sum((a - x) * (b - y) for a, b in zip(xs, points.values())) /
             sum((a - x) ** 2 for a in xs))
    return y - slope * x, slope


def grown(what, costs, far):
    """Two rows, round by round: what a tenfold adds, and the cost at a number far away.
    costs: contender -> {number: one cost a round}"""
    slope = Row(f"{what}: ten times as many add, by the fit", "ns")
    reach = Row(f"{what}: at {far:,}, by the fit", "ns")
    for contender, points in costs.items():
        if len(points) < 2:
            continue
        lines = [line(dict(zip(points, values))) for values in zip(*points.values())]
        slope.values[contender] = [steep for _, steep in lines]
        reach.values[contender] = [at_one + steep * math.log10(far) for at_one, steep in lines]
    return slope, reach
