# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench flows`: what it costs to count every switched frame in its flow."""

from .cost import adds
from .report import Row
from .stage import UdpStage
from .switch import HOOKS, check
from .switched import SwitchingSluice

MACS = 1_000  # half as many flows


def run(bench):
    for hook in ("tc",) if bench.brief else HOOKS:
        adds(bench, hook, "a flow", track, 10)
    if not bench.brief:
        throughput(bench)


def track(sluice, on):
    sluice.set("port", "set", "in0", "--flows", "all" if on else "routed")


class Tracking(SwitchingSluice):
    def __init__(self, binary, hook, scope):
        super().__init__(binary, hook, MACS)
        self.name, self.scope = f"sluice {hook}, --flows {scope}", scope

    def join(self, lab, *ports):
        super().join(lab, *ports)
        for port in ports:
            self._sluice("port", "set", port, "--flows", self.scope)


def throughput(bench):
    ways = [Tracking(bench.sluice, hook, scope) for hook in HOOKS for scope in ("all", "routed")]
    row = Row("known unicast, 60-byte UDP", "Mpps")
    with UdpStage(bench, ways) as stage:
        stage.measure(row, lambda contender, lab: check(contender, stage.traffic[lab]),
                      stage.mpps())
    bench.report.add(row, *((f"sluice {hook}, --flows all", f"sluice {hook}, --flows routed", 0.9)
                            for hook in HOOKS))
