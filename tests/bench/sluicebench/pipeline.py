"""`scripts/bench cost`: what each stage of the pipeline adds to a frame of an established flow, in ns of the
whole program by BPF_PROG_TEST_RUN; and what the verifier says of the programs."""

from .contenders import Contender
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
HOOKS = ("tc", "xdp")
MOST_VERIFIED, MOST_STACK = 500_000, 512  # the verifier test's; the kernel's


class Pipeline(GuardedSluice):
    """Its stages are switched on and off one after the other, each on top of those before."""

    translates = False

    def __init__(self, binary, hook, name=None):
        super().__init__(binary, hook, None)
        self.name, self.on = name or self.name, 0
        self.stages = [("NAT", self._nat), ("guard", self._guard), ("QoS", self._qos),
                       ("policy", self._policy)]

    def set_up(self, lab):
        self.add_ports(lab)

    def switch(self, on):
        """The first so many stages are on, and no others. Flows are opened anew afterwards."""
        for _, turn in reversed(self.stages[on:self.on]):
            turn(False)
        for _, turn in self.stages[self.on:on]:
            turn(True)
        self.on = on
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


class Setting(Contender):
    """A Pipeline with some of its stages on."""

    def __init__(self, pipeline, on):
        names = [name for name, _ in pipeline.stages[:on]]
        self.name = f"+ {names[-1]}" if on > 1 else (names[0] if on else "all off")
        self.pipeline, self.on, self.translates = pipeline, on, on > 0

    def open(self, traffic):
        if self.pipeline.on != self.on:
            self.pipeline.switch(self.on)
        traffic.check(self, FLOWS)


def run(bench):
    for hook in HOOKS:
        stages(bench, hook)
        off_and_absent(bench, hook)
    verifier(bench)


def nanoseconds(stage, lab, sluice):
    return stage.traffic[lab].nanoseconds(FLOWS, sluice.hook, sluice.program())


def stages(bench, hook):
    pipeline = Pipeline(bench.sluice, hook)
    settings = [Setting(pipeline, on) for on in range(len(pipeline.stages) + 1)]
    times, added = Row(f"the whole program, {hook}", "ns"), Row(f"a stage adds, {hook}", "ns")
    with UdpStage(bench, [pipeline]) as stage:
        stage.share(pipeline, settings)

        def once(setting, lab, n):
            setting.open(stage.traffic[lab])
            return nanoseconds(stage, lab, pipeline)

        stage.measure(times, lambda *_: None, once)
    added.beside(times)
    for setting, before in zip(settings[1:], settings):
        values = zip(times.values.get(setting.name, ()), times.values.get(before.name, ()))
        if more := [with_it - without for with_it, without in values]:
            added.values[setting.name] = more
    bench.report.add(times)
    bench.report.add(added)


def off_and_absent(bench, hook):
    """What was on and is off again, against what never was on."""
    never = Pipeline(bench.sluice, hook, "never on")
    again = Pipeline(bench.sluice, hook, "off again")
    row = Row(f"all features off, {hook}", "ns")
    with UdpStage(bench, [never, again]) as stage:
        def check(contender, lab):
            if contender is again:
                contender.switch(len(contender.stages))
                contender.switch(0)
            stage.traffic[lab].check(contender, FLOWS)

        stage.measure(row, check, lambda contender, lab, n: nanoseconds(stage, lab, contender),
                      rounds=2 * bench.rounds)
    bench.report.add(row, (again.name, never.name, 1.05, False))


def verifier(bench):
    """As the verifier tests print it: a table of a program a line."""
    processed = Row("instructions that the verifier processed", "number")
    stack = Row("stack, the deepest frame", "bytes")
    tests = bench.build / "tests/verifier/sluice_verifier_tests"
    if tests.exists():
        table = [line.split() for line in command(tests).splitlines() if line.startswith("sl_")]
        if not table:
            raise Untrusted(f"{tests} prints no table")
        processed.values = {name: [int(seen)] for name, _, seen, _, _ in table}
        stack.values = {name: [int(deepest)] for name, _, _, deepest, _ in table}
    else:
        processed.not_run = stack.not_run = {"verifier": f"{tests} is not built"}
    for row, most in ((processed, MOST_VERIFIED), (stack, MOST_STACK)):
        bench.report.add(row, *((name, None, most, False) for name in row.values))
