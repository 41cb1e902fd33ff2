# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench nat`: sluice's NAT against nftables, iptables, kernel forwarding and the floors, with
established flows: sizes of frames, numbers of flows, distributions; and bulk TCP."""

from .contenders import Floor, Forwarding, Iptables, Nftables, Sluice
from .generator import Flows
from .report import Row
from .stage import UdpStage
from .tcp import bulk_tcp

FLOORS = {"sluice tc": "tc floor", "nftables": "tc floor", "iptables": "tc floor",
          "kernel forwarding": "tc floor", "sluice xdp": "xdp floor"}
GOALS = [("sluice tc", "tc floor", 0.9), ("sluice tc", "nftables", 1.3),
         ("sluice xdp", "xdp floor", 0.8), ("sluice xdp", "nftables", 3.2)]
SIZES = (512, 1500)
ZIPF = 1.0  # exponent: as many hits on the first flow as on the second and third together


def contenders(bench):
    return [Floor(bench.gen, "tc"), Sluice(bench.sluice, "tc"), Forwarding(), Nftables(),
            Iptables(), Floor(bench.gen, "xdp"), Sluice(bench.sluice, "xdp")]


def run(bench):
    established_udp(bench)
    bulk_tcp(bench)


def established_udp(bench):
    with UdpStage(bench, contenders(bench)) as stage:
        for count in (1_000,) if bench.brief else (1, 1_000, 30_000):
            row = Row(f"60-byte UDP, {count} flows", "Mpps", floors=FLOORS,
                      curve=("60-byte UDP, established, over the number of flows", count))
            established(stage, row, Flows(count), *(GOALS if count == 1_000 else []))
        if bench.brief:
            return
        row = Row(f"60-byte UDP, 30000 flows, zipf {ZIPF:g}", "Mpps", floors=FLOORS)
        established(stage, row, Flows(30_000), zipf=ZIPF)
        for size in SIZES:
            row = Row(f"{size}-byte UDP, 1000 flows", "Mpps", floors=FLOORS)
            established(stage, row, Flows(1_000, size=size))


def established(stage, row, flows, *goals, zipf=None):
    stage.measure(row, stage.check(flows), stage.mpps(flows, zipf))
    stage.bench.report.add(row, *goals)
