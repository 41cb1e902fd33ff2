# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk TCP through the gateways: streams, frames, offloads, directions."""

import itertools
from dataclasses import dataclass

from .contenders import Nftables, Sluice
from .iperf import Iperf
from .report import Row
from .stage import Stage

OFFLOADED, NOT = 0.97, 1.1  # what is wanted, of nftables


@dataclass(frozen=True)
class Bulk:
    gso: str        # on, off: at the ends
    streams: int
    mtu: int
    direction: str  # out, back

    def __str__(self):
        streams = "1 stream" if self.streams == 1 else f"{self.streams} streams"
        return f"bulk TCP {self.direction}, {streams}, MTU {self.mtu}, GSO {self.gso}"

    def goal(self):
        return OFFLOADED if self.gso == "on" else NOT


def kinds(bench):
    if bench.brief:
        return [Bulk("on", 1, 1500, "out")]
    mtus, streams = ((1500,), (1,)) if bench.quick else ((1500, 9000), (1, 8))
    return [Bulk(*kind) for kind in [*itertools.product(("on",), streams, mtus, ("out", "back")),
                                     *itertools.product(("off",), (1,), (1500,), ("out", "back"))]]


def prepare(lab, kind):
    for space, interface in ((lab.client, "c0"), (lab.gateway, "in0"), (lab.gateway, "out0"),
                             (lab.server, "s0")):
        space.ip("link", "set", interface, "mtu", kind.mtu)
    for space, interface in ((lab.client, "c0"), (lab.server, "s0")):
        space.offload(interface, gso=kind.gso, tso=kind.gso)


def bulk_tcp(bench):
    contenders = [Sluice(bench.sluice, "auto"), Nftables()]
    with Stage(bench, contenders) as stage, Iperf(stage.labs.values()) as iperf:
        for kind in kinds(bench):
            def check(contender, lab):
                prepare(lab, kind)
                iperf.gbits(lab, kind.direction, 1, kind.streams)

            def once(contender, lab, n):
                return iperf.gbits(lab, kind.direction, bench.tcp_seconds, kind.streams)

            row = stage.measure(Row(str(kind), "Gbit/s"), check, once)
            bench.report.add(row, ("sluice auto", "nftables", kind.goal()))
