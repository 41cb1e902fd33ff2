# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench guard`: what the guard costs, how fast it drops, and nftables at the same job."""

from .contenders import Contender
from .filters import Ebtables, XdpFilter
from .generator import Flows, Untrusted
from .guarded import (DropFloor, GuardedNftables, GuardedSluice, Identity, LeasedSluice,
                      NetdevNftables, SwitchedNftables)
from .report import Row
from .stage import UdpStage

SIZES = {"1 MAC, 1 address": Identity.of(1), "64 MACs, 64 addresses": Identity.of(64)}
ONE_FLOW, FLOWS = Flows(1, hosts=1), Flows(1_000, hosts=1)
# Nobody at in0 has this MAC, or this address.
SPOOFED = {"guard-mac": Flows(1_000, hosts=1, mac="02:00:00:00:00:66"),
           "guard-ip": Flows(1_000, hosts=1, source="10.0.2.0")}
HOOKS = ("xdp", "tc")


def run(bench):
    if bench.brief:
        forwarding(bench, *next(iter(SIZES.items())))
        return
    for hook in HOOKS:
        cost(bench, hook)
    for hook in HOOKS:
        many_leases(bench, hook)
    drops(bench)
    for size, identity in SIZES.items():
        forwarding(bench, size, identity)


def check(contender, traffic):
    """What may enter is forwarded, what may not is not."""
    traffic.check(contender, FLOWS)
    for reason in contender.refuses:
        flows, before = SPOOFED[reason], contender.refused(reason)
        traffic.send_refused(flows, "--packets", 10_000)
        if (counted := contender.refused(reason) - before) != contender.counts * 10_000:
            raise Untrusted(f"{counted} of 10000 drops are counted as {reason}")


class Setting(Contender):
    """One of the guards that an instance is given in turn."""

    def __init__(self, name, sluice, identity):
        self.name, self.sluice, self.identity = name, sluice, identity

    def apply(self):
        self.sluice.guard(self.identity)


def cost(bench, hook):
    """One instance, one program, one frame; the guard is put up and taken away."""
    times, added = Row(f"forwarding program, {hook}", "ns"), Row(f"guard adds, {hook}", "ns")
    sluice = GuardedSluice(bench.sluice, hook, Identity.of(1))
    bare = Setting("no guard", sluice, None)
    guards = [Setting(name, sluice, identity) for name, identity in SIZES.items()]
    with UdpStage(bench, [sluice]) as stage:
        stage.share(sluice, [bare, *guards])

        def check_forwarding(setting, lab):
            setting.apply()
            stage.traffic[lab].check(sluice, ONE_FLOW)

        def once(setting, lab, n):
            setting.apply()
            return stage.traffic[lab].nanoseconds(ONE_FLOW, hook, sluice.program())

        stage.measure(times, check_forwarding, once, rounds=3 * bench.rounds)
    for guard in guards:
        values = zip(times.values.get(guard.name, ()), times.values.get(bare.name, ()))
        added.values[guard.name] = [guarded - free for guarded, free in values]
    bench.report.add(times)
    bench.report.add(added, *((guard.name, None, bound, False)
                              for guard, bound in zip(guards, (15, 30))))


def many_leases(bench, hook):
    few, many = (LeasedSluice(bench.sluice, hook, leases, ports)
                 for leases, ports in ((1, 2), (10_000, bench.many_ports)))
    row = Row(f"guarded forwarding program, {hook}", "ns")
    with UdpStage(bench, [few, many]) as stage:
        def once(contender, lab, n):
            return stage.traffic[lab].nanoseconds(ONE_FLOW, hook, contender.program())

        stage.measure(row, lambda contender, lab: check(contender, stage.traffic[lab]), once,
                      rounds=3 * bench.rounds)
    bench.report.add(row, (many.name, few.name, 1.05, False))


def drops(bench):
    floor = DropFloor(bench.gen)
    sluice = GuardedSluice(bench.sluice, "xdp", Identity.of(1))
    with UdpStage(bench, [floor, sluice]) as stage:
        for reason, flows in SPOOFED.items():
            def once(contender, lab, n):
                return 1e-6 * stage.traffic[lab].send_refused(
                    flows, "--random", "--seed", bench.seed + n, "--duration",
                    f"{bench.milliseconds}ms")

            def check_sluice(contender, lab):
                if contender is sluice:
                    check(contender, stage.traffic[lab])

            row = Row(f"spoofed frames dropped, {reason}", "Mpps", floors={sluice.name: floor.name})
            bench.report.add(stage.measure(row, check_sluice, once),
                             (sluice.name, floor.name, 0.9))


def forwarding(bench, size, identity):
    contenders = [GuardedSluice(bench.sluice, "xdp", identity),
                  GuardedSluice(bench.sluice, "tc", identity),
                  GuardedNftables(identity)]
    if not bench.brief:
        contenders += [NetdevNftables(identity), SwitchedNftables(identity), Ebtables(identity),
                       XdpFilter(identity)]
    with UdpStage(bench, contenders) as stage:
        row = Row(f"guarded, 60-byte UDP, 1000 flows, {size}", "Mpps")
        stage.measure(row, lambda contender, lab: check(contender, stage.traffic[lab]),
                      stage.mpps(FLOWS))
    bench.report.add(row, ("sluice xdp", "nftables", 2.5), ("sluice tc", "nftables", 1.3))
