# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench --against BINARY`: this build and another one side by side, in the same rounds."""

from .contenders import EXTERNALS, Sluice
from .cps import new_flows, new_rate
from .pipeline import FLOWS, HOOKS, STAGES, Pipeline, nanoseconds
from .report import Row
from .shell import run as command
from .stage import UdpStage

SHOWN = {0: "all off", 1: "NAT", STAGES: "all stages"}
NEW_FLOWS = 0.93  # of the other build's, at least
# Where a large table happens to lie in memory makes up to 10 % of new flows, for as long as it lives.
STAGINGS = 6
NOW, BEFORE = "this build", "the other"


def run(bench):
    for hook in HOOKS:
        for on, what in SHOWN.items():
            cost(bench, hook, on, what)
    for hook in HOOKS:
        rate_of_new_flows(bench, hook)


def cost(bench, hook, on, what):
    """The program at in0's hook by BPF_PROG_TEST_RUN."""
    row = Row(f"{what}, {hook}", "ns")
    builds = [Pipeline(bench.sluice, hook, on, NOW), OtherPipeline(bench.against, hook, on, BEFORE)]
    with UdpStage(bench, builds) as stage:
        stage.measure(row, stage.check(FLOWS),
                      lambda build, lab, n: nanoseconds(stage, lab, build), 3 * bench.rounds)
    bench.report.add(row)


def rate_of_new_flows(bench, hook):
    row = Row(f"new UDP flows, {hook}", "M/s")
    flows = new_flows(bench)
    for _ in range(STAGINGS):
        builds = [Sluice(bench.sluice, hook, EXTERNALS),
                  OtherSluice(bench.against, hook, EXTERNALS)]
        for build, name in zip(builds, (NOW, BEFORE)):
            build.name = name
        with UdpStage(bench, builds) as stage:
            stage.measure(row, stage.check(flows), new_rate(stage, flows))
    bench.report.add(row, (NOW, BEFORE, NEW_FLOWS))


class Other:
    """Of a build that may be older."""

    def share(self):
        return super().share() if "--host-share" in command(self.binary, "up", "--help") else ()


class OtherPipeline(Other, Pipeline):
    pass


class OtherSluice(Other, Sluice):
    pass
