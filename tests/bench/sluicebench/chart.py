# SPDX-License-Identifier: GPL-2.0-or-later
"""Results as a picture: an SVG with a panel for each measure. Rows of one curve (Row.curve) make a
panel of lines, throughput over the number of flows say; every other row a panel of bars."""

import math
import statistics
from xml.sax.saxutils import escape

from .table import number

WIDTH, MARGIN, LABEL = 860, 16, 250
BAR, PLOT_HEIGHT = 20, 220
COLOURS = ["#1b6ca8", "#d1495b", "#66a182", "#edae49", "#7d5ba6", "#5c6b73", "#00798c", "#a44a3f"]


def draw(rows):
    """The SVG of all rows that were measured, as text."""
    panels, top = [], MARGIN
    for panel in panels_of(rows):
        body, height = panel.draw()
        panels.append(f'<g transform="translate({MARGIN},{top})">{body}</g>')
        top += height + 2 * MARGIN
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
            f'font-family="sans-serif" font-size="12">'
            f'<rect width="{WIDTH}" height="{top}" fill="white"/>{"".join(panels)}</svg>\n')


def panels_of(rows):
    curves = {}
    for row in rows:
        if not row.values:
            continue
        if row.curve is None:
            yield Bars(row)
        elif row.curve[0] in curves:
            curves[row.curve[0]].append(row)
        else:
            curves[row.curve[0]] = [row]
    for title, members in curves.items():
        yield Lines(title, members)


def text(x, y, words, **more):
    style = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{style}>{escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"/>')


class Bars:
    """Medians, with whiskers from the least to the largest value."""

    def __init__(self, row):
        self.row = row

    def draw(self):
        row = self.row
        room = WIDTH - 2 * MARGIN - LABEL - 60
        scale = room / (max(max(values) for values in row.values.values()) or 1)
        parts = [text(0, 12, f"{row.measure} ({row.unit})", font_weight="bold")]
        for n, (name, values) in enumerate(row.values.items()):
            y, median = 22 + n * BAR, statistics.median(values)
            parts += [text(LABEL - 6, y + 13, name, text_anchor="end"),
                      f'<rect x="{LABEL}" y="{y + 3}" width="{max(median, 0) * scale:.1f}" '
                      f'height="{BAR - 6}" fill="{COLOURS[n % len(COLOURS)]}"/>',
                      line(LABEL + max(min(values), 0) * scale, y + BAR / 2,
                           LABEL + max(values) * scale, y + BAR / 2, "black"),
                      text(LABEL + max(*values, 0) * scale + 6, y + 13, number(median))]
        return "".join(parts), 22 + len(row.values) * BAR


def label(row):
    """Of a point on the axis: its own, or its number."""
    return row.curve[2] if len(row.curve) > 2 else f"{row.curve[1]:,}"


class Lines:
    """A line for each contender over a logarithmic axis."""

    def __init__(self, title, rows):
        self.title, self.rows = title, sorted(rows, key=lambda row: row.curve[1])

    def draw(self):
        points = [row.curve[1] for row in self.rows]
        names = list(dict.fromkeys(name for row in self.rows for name in row.values))
        most = max(statistics.median(v) for row in self.rows for v in row.values.values()) or 1
        first, last = math.log10(points[0]), math.log10(points[-1])
        width = WIDTH - 2 * MARGIN - LABEL - 60

        def at(x, value):
            share = (math.log10(x) - first) / (last - first or 1)
            return 60 + share * width, 24 + PLOT_HEIGHT * (1 - value / most)

        parts = [text(0, 12, f"{self.title} ({self.rows[0].unit})", font_weight="bold")]
        for n in range(5):
            x, y = at(points[0], most * n / 4)
            parts += [line(60, y, 60 + width, y, "#dddddd"),
                      text(54, y + 4, number(most * n / 4), text_anchor="end")]
        parts += [text(at(row.curve[1], 0)[0], 24 + PLOT_HEIGHT + 16, label(row),
                       text_anchor="middle") for row in self.rows]
        for n, name in enumerate(names):
            colour = COLOURS[n % len(COLOURS)]
            spots = [at(row.curve[1], statistics.median(row.values[name]))
                     for row in self.rows if name in row.values]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
            parts.append(text(70 + width, 34 + n * 16, name, fill=colour))
        return "".join(parts), 24 + PLOT_HEIGHT + 24
