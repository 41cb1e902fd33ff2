#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The bench works: each contender of `scripts/bench` forwards every packet of the generator whole, in
order and, if it is a NAT, translated; those with a guard let no spoofed packet in; and so on, part by
part. Times are taken, not judged. smoke.py SLUICE_GEN SLUICE"""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

from sluicebench import (block, chart, cps, exhausted, flows, glued, guard, guardrail, latency, nat, pipeline, policy,
                         qos, scale, switch, table)
from sluicebench.generator import Flows, Generator, Traffic
from sluicebench.growth import Ports
from sluicebench.guarded import Guarded, GuardedNftables, GuardedSluice, Identity, NetdevNftables, SwitchedNftables
from sluicebench.filters import Ebtables, XdpFilter
from sluicebench.lab import Lab
from sluicebench.openvswitch import OpenVSwitch
from sluicebench.report import Report, Row
from sluicebench.shaped import VOICE_PORT, NftLimit, Shaped, ShapingSluice, TcHtb, TcPolice, TcTbf
from sluicebench.switched import Flooding, LinuxBridge, SwitchFloor, SwitchingSluice

SKIP = 77
COPIES = 8  # of what is flooded: a port takes a while to make
MAY_LACK = (OpenVSwitch, TcPolice, XdpFilter)  # what not every machine has
ONE_FLOW = Flows(1, hosts=1)


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def expect(seen, wanted, what):
    if seen != wanted:
        sys.exit(f"{what}: {seen} instead of {wanted}")


# --- what is looked at, by the kind of contender; the first that fits ---


def shapes(contender, lab, _):
    contender.set_rate(100)
    with qos.echoing([lab]):
        expect(qos.round_trips(lab, VOICE_PORT, 0.3)["lost"], 0, f"{contender.name}: lost datagrams")


def floods(contender, _, traffic):
    expect(switch.copies(contender, traffic), contender.copies, f"{contender.name}: copies")


def switches(contender, _, traffic):
    switch.check(contender, traffic)


def blocks(contender, _, traffic):
    block.check(block.Listed("few", contender, 100, senders=100), traffic)


def guards(contender, _, traffic):
    guard.check(contender, traffic)
    if isinstance(contender, GuardedSluice):
        traffic.nanoseconds(ONE_FLOW, contender.hook, contender.program())


def stages(contender, _, traffic):
    traffic.check(contender, pipeline.FLOWS)
    contender.all_off()
    traffic.check(contender, pipeline.FLOWS)
    traffic.nanoseconds(pipeline.FLOWS, contender.hook, contender.program())


def exhausts(contender, _, traffic):
    exhausted.fill(contender, traffic)
    exhausted.exhaust(contender, traffic)


def forwards(contender, _, traffic):
    traffic.check(contender, Flows(1_000))
    traffic.send(Flows(1_000), "--zipf", 1, "--seed", 7, "--packets", 10_000)


CHECKS = ((Shaped, shapes), (Flooding, floods), ((LinuxBridge, SwitchFloor, SwitchingSluice), switches),
          (block.BlockingSluice, blocks), (pipeline.Pipeline, stages))


def look(contender):
    if getattr(contender, "ports", None) == exhausted.PORTS:
        return exhausts
    otherwise = guards if isinstance(contender, Guarded) and not contender.translates else forwards
    return next((check for kinds, check in CHECKS if isinstance(contender, kinds)), otherwise)


def check(contender, gen, name):
    if reason := contender.not_run():
        if not isinstance(contender, MAY_LACK):
            skip(f"{contender.name}: {reason}")
        print(f"not run: {contender.name}: {reason}")
        return
    lab = Lab(name)
    try:
        traffic = None if isinstance(contender, Shaped) else Traffic(lab, gen)
        contender.set_up(lab)
        look(contender)(contender, lab, traffic)
        print(f"ok: {contender.name}")
    finally:
        contender.close()
        lab.close()


def contenders(bench):
    sluice, gen, few = bench.sluice, bench.gen, switch.FEW
    yield from nat.contenders(bench)
    yield cps.contenders(bench)[-1]
    one, many = Identity.of(1), Identity.of(64)
    yield from (GuardedNftables(one), NetdevNftables(many), SwitchedNftables(one), Ebtables(many),
                XdpFilter(one), GuardedSluice(sluice, "tc", one), GuardedSluice(sluice, "xdp", many))
    yield from (SwitchFloor(gen, "tc", few), SwitchFloor(gen, "xdp", few), LinuxBridge(few), OpenVSwitch(few),
                Flooding(LinuxBridge(few), "linux bridge, flooding", gen, COPIES),
                Flooding(SwitchingSluice(sluice, "tc", few), "sluice, flooding", gen, COPIES))
    for hook in switch.HOOKS:
        yield from (SwitchingSluice(sluice, hook, few), block.BlockingSluice(sluice, hook), flows.Tracking(sluice, hook, "all"),
                    pipeline.Pipeline(sluice, hook, pipeline.STAGES))
    yield from exhausted.contenders(bench)
    yield from (policy.JudgingSluice(sluice, "xdp", policy.FEW), policy.JudgingNftables(),
                glued.WholeSluice(sluice, "xdp"), glued.GluedNftables(), Ports(sluice, "tc", 4),
                scale.big_sluice(bench, "xdp", 10_000))
    yield from (ShapingSluice(sluice, classes=[qos.VOICE]), ShapingSluice(sluice, back=False), TcTbf(),
                TcHtb(voice=True), NftLimit(), TcPolice())


def answers(bench):
    """Requests are answered with nothing else under way, and beside a load."""
    with latency.EchoStage(bench, latency.contenders(bench)[-2:]) as stage:
        for contender, lab in stage.labs.items():
            with stage.traffic[lab].load(latency.LOAD_FLOWS, 20_000, 0.4):
                stage.ask(lab, 0.1)
            print(f"ok: {contender.name} answers")


def reports():
    """Rows become a table, a document and a picture."""
    report, row = Report(), Row("a measure", "ns", curve=("over x", 10, "ten"))
    row.values = {"a": [1.0, 2.0], "b": [2.0, 2.0]}
    report.add(row, ("a", "b", 0.7), ("c", None, 1))
    table.show(report)
    expect([goal["met"] for goal in report.document()["goals"]], [True, None], "goals met")
    expect("over x" in chart.draw(report.rows), True, "the chart's title is in it")


def counts(bench):
    """What the guardrail compares is there for each program, and a difference is seen."""
    objects = sorted((Path(bench.gen.binary).parents[2] / "bpf").glob("*.bpf.o"))
    now, before = (guardrail.measured(bench.gen, objects) for _ in range(2))
    expect({"sl_tc_ingress", "sl_tc_egress", "sl_xdp"} - set(now["programs"]), set(), "programs that are not there")
    rows = list(guardrail.pairs(before, now))
    expect([row for row in rows if not row[3]], [], "measures that are not there")
    expect({guardrail.difference(*row[2:]) for row in rows}, {"="}, "differences of the same objects")
    flow = 2 * (64 + 8)  # a session's two entries and births
    expect(now["memory"]["a million IPv4 sessions"] > flow * 1_000_000, True, "memory of a million sessions")
    before["programs"]["sl_xdp"]["stack"] -= 8
    del before["programs"]["sl_tc_egress"]
    differences = [guardrail.difference(*row[2:]) for row in guardrail.pairs(before, now)]
    expect((differences.count("new"), sum(text.startswith("+8 (") for text in differences)), (4, 1), "differences")


def main():
    if os.geteuid() != 0:
        skip("must be root: it makes network namespaces and loads BPF programs")
    names = iter(range(1000))
    bench = SimpleNamespace(gen=Generator(sys.argv[1]), sluice=sys.argv[2], quick=True, brief=True,
                            progress=lambda text: None,
                            lab_name=lambda: f"smoke{os.getpid()}-{next(names)}")
    reports()
    counts(bench)
    for contender in contenders(bench):
        check(contender, bench.gen, bench.lab_name())
    answers(bench)


if __name__ == "__main__":
    main()
