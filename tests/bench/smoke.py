#!/usr/bin/env -S python3 -B
"""The bench works: each contender of `scripts/bench` forwards every packet of the generator whole, in
order and, if it is a NAT, translated; those with a guard let no spoofed packet in. Times are
taken, not judged. smoke.py SLUICE_GEN SLUICE"""

import os
import sys

from sluicebench import block, flows, glued, guard, policy, qos, switch
from sluicebench.contenders import Floor, Forwarding, Nftables, Sluice
from sluicebench.generator import Flows, Generator, Traffic
from sluicebench.guarded import (Guarded, GuardedNftables, GuardedSluice, Identity,
                                 NetdevNftables, SwitchedNftables)
from sluicebench.lab import Lab
from sluicebench.shaped import VOICE_PORT, Shaped, ShapingSluice, TcHtb, TcTbf
from sluicebench.switched import Flooding, LinuxBridge, SwitchFloor, SwitchingSluice

SKIP = 77


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIP)


def check(contender, gen, name):
    reason = contender.not_run()
    if reason:
        skip(f"{contender.name}: {reason}")
    lab = Lab(name)
    try:
        traffic = None if isinstance(contender, Shaped) else Traffic(lab, gen)
        contender.set_up(lab)
        if isinstance(contender, (LinuxBridge, SwitchFloor, SwitchingSluice)):
            switch.check(contender, traffic)
        elif isinstance(contender, block.BlockingSluice):
            setting = block.Listed("few", contender, 100, senders=100)
            block.check(setting, traffic)
        elif isinstance(contender, Guarded) and not contender.translates:
            guard.check(contender, traffic)
            if isinstance(contender, GuardedSluice):
                traffic.nanoseconds(Flows(1, hosts=1), contender.hook, contender.program())
        elif isinstance(contender, Shaped):
            contender.set_rate(100)
            with qos.echoing([lab]):
                trips = qos.round_trips(lab, VOICE_PORT, 0.3)
            if trips["lost"]:
                sys.exit(f"{contender.name}: {trips['lost']} datagrams are lost")
        elif isinstance(contender, Flooding):
            if (copies := switch.copies(contender, traffic)) != contender.copies:
                sys.exit(f"{contender.name}: {copies} copies instead of {contender.copies}")
        else:
            traffic.check(contender, Flows(1_000))
        print(f"ok: {contender.name}")
    finally:
        contender.close()
        lab.close()


def main():
    if os.geteuid() != 0:
        skip("must be root: it makes network namespaces and loads BPF programs")
    gen = Generator(sys.argv[1])
    contenders = [Floor(gen, "tc"), Floor(gen, "xdp"), Forwarding(), Nftables(),
                  Sluice(sys.argv[2], "tc"), Sluice(sys.argv[2], "xdp")]
    for identity in (Identity.of(1), Identity.of(64)):
        contenders += [GuardedNftables(identity), NetdevNftables(identity),
                       SwitchedNftables(identity), GuardedSluice(sys.argv[2], "tc", identity),
                       GuardedSluice(sys.argv[2], "xdp", identity)]
    contenders += [SwitchFloor(gen, "tc", switch.FEW), SwitchFloor(gen, "xdp", switch.FEW),
                   LinuxBridge(switch.FEW), LinuxBridge(switch.MANY),
                   Flooding(LinuxBridge(switch.FEW), "linux bridge, flooding", gen, switch.COPIES),
                   Flooding(SwitchingSluice(sys.argv[2], "tc", switch.FEW), "sluice, flooding", gen,
                            switch.COPIES)]
    contenders += [SwitchingSluice(sys.argv[2], hook, macs)
                   for hook in switch.HOOKS for macs in (switch.FEW, switch.MANY)]
    contenders += [block.BlockingSluice(sys.argv[2], hook) for hook in block.HOOKS]
    contenders += [flows.Tracking(sys.argv[2], hook, "all") for hook in switch.HOOKS]
    contenders += [policy.JudgingSluice(sys.argv[2], "xdp", policy.FEW), policy.JudgingNftables()]
    contenders += [glued.WholeSluice(sys.argv[2], "xdp"), glued.GluedNftables()]
    contenders += [ShapingSluice(sys.argv[2], classes=[qos.VOICE]),
                   ShapingSluice(sys.argv[2], back=False), TcTbf(), TcHtb(voice=True)]
    for number, contender in enumerate(contenders):
        check(contender, gen, f"smoke{os.getpid()}-{number}")


if __name__ == "__main__":
    main()
