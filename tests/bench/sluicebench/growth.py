# SPDX-License-Identifier: GPL-2.0-or-later
"""What a frame of an established flow costs as ports, rules and leases become many, in ns of the whole
program; and how long adding a port takes."""

import statistics
import time

from .fit import grown
from .generator import Flows
from .guarded import LeasedSluice
from .policy import JudgingSluice
from .report import Row
from .stage import UdpStage

FLOW = Flows(1, hosts=1)
FAR = {"ports": 10_000, "rules": 1_000_000, "leases": 1_000_000}


class Ports(LeasedSluice):
    """With the time that each port took to be added."""

    def __init__(self, binary, hook, number):
        super().__init__(binary, hook, 1, number)
        self.name, self.times = f"sluice {hook}, {number} ports", []

    def _sluice(self, *words):
        begin = time.monotonic()
        said = super()._sluice(*words)
        if words[:2] == ("port", "add"):
            self.times.append(time.monotonic() - begin)
        return said


def sluices(bench, hook):
    """What grows -> {number: sluice}."""
    rules, leases = (((10, 1_000), (1, 1_000)) if bench.quick else
                     ((10, 1_000, 10_000), (1, 1_000, 30_000)))
    ports = (2, 20) if hook == "xdp" or bench.quick else (2, 20, bench.many_ports)
    return {"ports": {n: Ports(bench.sluice, hook, n) for n in ports},
            "rules": {n: JudgingSluice(bench.sluice, hook, n) for n in rules},
            "leases": {n: LeasedSluice(bench.sluice, hook, n, 2) for n in leases}}


def growth(bench):
    for hook in ("tc",) if bench.quick else ("tc", "xdp"):
        for what, ways in sluices(bench, hook).items():
            cost(bench, hook, what, ways)
            if what == "ports" and hook == "tc":
                adding(bench, ways)


def cost(bench, hook, what, ways):
    row = Row(f"the program, {hook}, by the number of {what}", "ns")
    with UdpStage(bench, ways.values()) as stage:
        def once(contender, lab, n):
            return stage.traffic[lab].nanoseconds(FLOW, hook, contender.program())

        stage.measure(row, stage.check(FLOW), once, rounds=2 * bench.rounds)
    most, least = ways[max(ways)].name, ways[min(ways)].name
    bench.report.add(row, (most, least, 1.05, False))
    costs = {n: row.values[way.name] for n, way in ways.items() if way.name in row.values}
    for fitted in grown(f"{what}, {hook}", {"sluice": costs}, FAR[what]):
        bench.report.add(fitted)


def adding(bench, ways):
    """The last ten that were added."""
    row = Row("`port add`, the last of so many", "s")
    row.values = {way.name: [statistics.median(way.times[-10:])] for way in ways.values() if way.times}
    bench.report.add(row)
