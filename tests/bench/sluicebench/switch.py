# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench switch`: known unicast against the Linux bridge and the floors, with few MACs and
with many; what a tag costs; flooding."""

import time

from .generator import Flows, Untrusted
from .openvswitch import OpenVSwitch
from .report import Row
from .stage import UdpStage
from .switched import (FAR, NEAR, TRUNK, VLAN, Flooding, LinuxBridge, SwitchFloor,
                       SwitchingSluice, TaggingSluice, Way)

FEW, MANY = 1_000, 100_000
HOOKS = ("xdp", "tc")
COPIES = 64
BURSTS, BURST = 10, 8  # frames


def run(bench):
    known_unicast(bench)
    if bench.brief:
        return
    for hook in HOOKS:
        tags(bench, hook)
    flooding(bench)


def check(contender, traffic):
    """All MACs are known, and every frame arrives as it was sent."""
    traffic.introduce(contender, contender.flows)
    if missing := contender.unknown():
        raise Untrusted(f"{contender.name} does not know {missing} MACs")
    traffic.check(contender, contender.flows)


def known_unicast(bench):
    floors = {hook: SwitchFloor(bench.gen, hook, FEW) for hook in HOOKS}
    few, many = ({hook: SwitchingSluice(bench.sluice, hook, macs) for hook in HOOKS}
                 for macs in (FEW, MANY))
    bridge = LinuxBridge(FEW)
    others = [] if bench.brief else [LinuxBridge(MANY), *many.values(), OpenVSwitch(FEW)]
    row = Row("known unicast, 60-byte UDP", "Mpps",
              floors={sluice[hook].name: floors[hook].name for sluice in (few, many) for hook in HOOKS})
    with UdpStage(bench, [bridge, *floors.values(), *few.values(), *others]) as stage:
        stage.measure(row, lambda contender, lab: check(contender, stage.traffic[lab]),
                      stage.mpps())
    goals = []
    for hook, of_bridge, of_floor in (("xdp", 3, 0.85), ("tc", 1.25, 0.9)):
        goals += [(few[hook].name, bridge.name, of_bridge),
                  (few[hook].name, floors[hook].name, of_floor)]
        if not bench.brief:
            goals.append((many[hook].name, few[hook].name, 1 / 1.25))
    bench.report.add(row, *goals)


def tags(bench, hook):
    """One program, one instance: frames that keep having no tag, get one, or lose theirs."""
    times, added = Row(f"switching program, {hook}", "ns"), Row(f"a tag adds, {hook}", "ns")
    sluice = TaggingSluice(bench.sluice, hook)
    bare = Way("untagged", "in0", NEAR, FAR)
    ways = [Way("push", "in0", NEAR, TRUNK)]
    if hook == "tc":
        ways.append(Way("pop", "trunk0", TRUNK, NEAR, vlan=VLAN))
    with UdpStage(bench, [sluice]) as stage:
        stage.share(sluice, [bare, *ways])

        def once(way, lab, n):
            lab.entrance = way.to
            return stage.traffic[lab].nanoseconds(way.flows, hook, sluice.program(), way.port,
                                                  way.vlan)

        stage.measure(times, lambda way, lab: None, once, rounds=3 * bench.rounds)
    added.beside(times)
    for way in ways:
        if way.name in times.values and bare.name in times.values:
            values = zip(times.values[way.name], times.values[bare.name])
            added.values[way.name] = [tagged - plain for tagged, plain in values]
    bench.report.add(times)
    bench.report.add(added, *((way.name, None, 10, False) for way in ways))


def copies(flooding, traffic):
    """How many copies of a broadcast arrive; what the least served port gets decides."""
    before = flooding.delivered()
    # Each queue on the way has room for a burst.
    for _ in range(BURSTS):
        traffic.send_blindly(Flows(BURST, mac=NEAR), "--packets", BURST)
    deadline = time.monotonic() + 2
    while True:
        came = [now - then for now, then in zip(flooding.delivered(), before)]
        if min(came) >= BURSTS * BURST or time.monotonic() > deadline:
            break
    if max(came) > BURSTS * BURST:
        raise Untrusted(f"of {BURSTS * BURST} broadcasts {max(came)} came out of one port")
    return flooding.copies * min(came) / (BURSTS * BURST)


def flooding(bench):
    contenders = [Flooding(LinuxBridge(FEW), "linux bridge", bench.gen, COPIES),
                  Flooding(SwitchingSluice(bench.sluice, "tc", FEW), "sluice tc", bench.gen, COPIES)]
    row = Row("a broadcast to 64 ports", "copies")
    with UdpStage(bench, contenders) as stage:
        stage.measure(row, lambda contender, lab: None,
                      lambda contender, lab, n: copies(contender, stage.traffic[lab]))
    bench.report.add(row, ("sluice tc", None, COPIES))
