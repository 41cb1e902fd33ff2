# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench cost`: what each stage of the pipeline adds to a frame of an established flow, in ns of the
whole program by BPF_PROG_TEST_RUN; and what the verifier says of the programs."""

from .generator import Flows, Untrusted
from .guarded import GuardedSluice
from .lab import INSIDE, MACS
from .policy import MANY, sluice_policy, written
from .report import Row
from .shell import run as command
from .stage import UdpStage

HOSTS = 250
FLOWS = Flows(1_000, hosts=HOSTS)
NETWORK = "10.0.1.0/24"
RATE = "80gbit"
STAGES = 4  # NAT, guard, QoS, policy
HOOKS = ("tc", "xdp")
MOST_VERIFIED, MOST_STACK = 500_000, 512  # the verifier test's; the kernel's


class Pipeline(GuardedSluice):
    """Its first `on` stages are on, each on top of those before."""

    def __init__(self, binary, hook, on, name=None):
        super().__init__(binary, hook, None)
        self.stages = {"NAT": self._nat, "guard": self._guard, "QoS": self._qos,
                       "policy": self._policy}
        self.on, self.translates = on, on > 0
        last = [*self.stages][on - 1] if on else "all off"
        self.name = name or (f"+ {last}" if on > 1 else last)

    def set_up(self, lab):
        self.add_ports(lab)
        for turn in [*self.stages.values()][:self.on]:
            turn(True)

    def all_off(self):
        """Flows are opened anew afterwards."""
        for turn in reversed([*self.stages.values()][:self.on]):
            turn(False)
        self.on, self.translates = 0, False
        self.forget()

    def _nat(self, on):
        addition = ("--ports", "1024-65535") if on else ()
        self.set("nat", "masquerade", "add" if on else "del", "--source", INSIDE, "--uplink", "out0",
                 *addition)

    def _guard(self, on):
        if on:
            self.set("guard", "set", "in0", "--macs", MACS["c0"], "--address", NETWORK)
        else:
            self.set("guard", "del", "in0")

    def _qos(self, on):
        self.set("qos", "set", "in0", "--ingress-rate", RATE if on else "unlimited")

    def _policy(self, on):
        if not on:
            self.set("policy", "clear")
            return
        with written(sluice_policy(MANY)) as file:
            self.set("policy", "load", file.name)


def run(bench):
    if bench.brief:
        stages(bench, "tc")
        return
    for hook in HOOKS:
        stages(bench, hook)
        off_and_absent(bench, hook)
    verifier(bench)


def nanoseconds(stage, lab, sluice):
    return stage.traffic[lab].nanoseconds(FLOWS, sluice.hook, sluice.program())


def pipelines(bench, hook):
    """With no stage on, with one, and so on."""
    return [Pipeline(bench.sluice, hook, on) for on in range(STAGES + 1)]


def stages(bench, hook):
    ways = pipelines(bench, hook)
    times, added = Row(f"the whole program, {hook}", "ns"), Row(f"a stage adds, {hook}", "ns")
    with UdpStage(bench, ways) as stage:
        stage.measure(times, stage.check(FLOWS),
                      lambda contender, lab, n: nanoseconds(stage, lab, contender))
    added.beside(times)
    for way, before in zip(ways[1:], ways):
        values = zip(times.values.get(way.name, ()), times.values.get(before.name, ()))
        if more := [with_it - without for with_it, without in values]:
            added.values[way.name] = more
    bench.report.add(times)
    bench.report.add(added)


def off_and_absent(bench, hook):
    """What was on and is off again, against what never was on."""
    never = Pipeline(bench.sluice, hook, 0, "never on")
    again = Pipeline(bench.sluice, hook, STAGES, "off again")
    row = Row(f"all features off, {hook}", "ns")
    with UdpStage(bench, [never, again]) as stage:
        def check(contender, lab):
            stage.traffic[lab].check(contender, FLOWS)
            if contender is again:
                contender.all_off()
                stage.traffic[lab].check(contender, FLOWS)

        stage.measure(row, check, lambda contender, lab, n: nanoseconds(stage, lab, contender),
                      rounds=2 * bench.rounds)
    bench.report.add(row, (again.name, never.name, 1.05, False))


def verifier(bench):
    """As the verifier tests print it: a table of a program a line."""
    processed = Row("instructions that the verifier processed", "number")
    stack = Row("stack, the deepest chain of calls", "bytes")
    tests = bench.build / "tests/verifier/sluice_verifier_tests"
    if tests.exists():
        table = [line.split() for line in command(tests).splitlines() if line.startswith("sl_")]
        if not table:
            raise Untrusted(f"{tests} prints no table")
        processed.values = {name: [int(seen)] for name, _, seen, *_ in table}
        stack.values = {name: [int(deepest)] for name, _, _, deepest, *_ in table}
    else:
        processed.not_run = stack.not_run = {"verifier": f"{tests} is not built"}
    for row, most in ((processed, MOST_VERIFIED), (stack, MOST_STACK)):
        bench.report.add(row, *((name, None, most, False) for name in row.values))
