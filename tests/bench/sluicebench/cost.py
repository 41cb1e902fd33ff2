# SPDX-License-Identifier: GPL-2.0-or-later
"""What a feature adds to a frame: the same program and frames, with it and without."""

from .report import Row
from .stage import UdpStage
from .switched import FAR, NEAR, TaggingSluice, Way  # the program that does the least


class PlainSluice(TaggingSluice):
    """With a name of its own."""

    def __init__(self, binary, hook):
        super().__init__(binary, hook)
        self.name = "sluice"


def adds(bench, hook, feature, switch, goal):
    """Two rows: nanoseconds with the feature and without, and the difference, pair by pair.
    switch(sluice, on) turns it on or off."""
    sluice = PlainSluice(bench.sluice, hook)
    off, on = (Way(name, "in0", NEAR, FAR) for name in (f"without {feature}", f"with {feature}"))
    times, added = Row(f"the program, {hook}", "ns"), Row(f"{feature} adds, {hook}", "ns")
    with UdpStage(bench, [sluice]) as stage:
        stage.share(sluice, [off, on])

        def once(way, lab, n):
            switch(sluice, way is on)
            lab.entrance = way.to
            stage.traffic[lab].send_blindly(way.flows, "--packets", 1)  # XDP opens no switched flow
            return stage.traffic[lab].nanoseconds(way.flows, hook, sluice.program(), way.port,
                                                  way.vlan)

        stage.measure(times, lambda way, lab: None, once,
                      rounds=(1 if bench.quick else 3) * bench.rounds)
    added.beside(times)
    if on.name in times.values:
        added.values["sluice"] = [a - b for a, b in zip(times.values[on.name],
                                                        times.values[off.name])]
    bench.report.add(times)
    bench.report.add(added, ("sluice", None, goal, False))
