# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench glued`: the whole job at once. As people glue it together: anti-spoofing in the
bridge family, stateful rules, masquerade, a DSCP mark and a rate for the VM in nftables; against
sluice with guard, policy, NAT and QoS on."""

from .cps import new_rate
from .generator import Flows
from .guarded import GuardedNftables, GuardedSluice, Identity
from .lab import INSIDE, MACS
from .policy import MANY, nftables_policy, sluice_policy, written
from .report import Row
from .stage import UdpStage

HOSTS = 250  # addresses of the one VM, all in VM_NETWORK
VM_NETWORK = "10.0.1.0/24"
DSCP = "af21"
RATE_GBIT = 80  # far above what is sent: it is looked at, and lets all pass

GLUE = f"""
table ip nat {{
    chain post {{
        type nat hook postrouting priority srcnat;
        ip saddr {INSIDE} oifname "out0" masquerade
    }}
}}
table ip marks {{
    chain forward {{
        type filter hook forward priority mangle;
        iifname "br0" limit rate over {RATE_GBIT * 1000 // 8} mbytes/second drop
        iifname "br0" ip dscp set {DSCP}
    }}
}}
"""


class GluedNftables(GuardedNftables):
    name = "nftables, glued"
    translates = True

    def __init__(self):
        super().__init__(Identity([MACS["c0"]], Identity.of(HOSTS).addresses))

    def set_up(self, lab):
        super().set_up(lab)
        with written([*nftables_policy(MANY), GLUE]) as file:
            self.space.run("nft", "-f", file.name)
        self.space.sysctl("net.netfilter.nf_conntrack_udp_timeout", 300)


class WholeSluice(GuardedSluice):
    """dscp: with the mark; without it all of the work can be done in XDP."""

    translates = True

    def __init__(self, binary, hook, dscp=True):
        super().__init__(binary, hook, None)
        self.dscp = dscp
        self.name = f"sluice {hook}" if dscp else f"sluice {hook}, no DSCP mark"

    def set_up(self, lab):
        self.add_ports(lab)
        self._sluice("guard", "set", "in0", "--macs", MACS["c0"], "--address", VM_NETWORK)
        self._sluice("nat", "masquerade", "add", "--source", INSIDE, "--uplink", "out0")
        with written(sluice_policy(MANY)) as file:
            self._sluice("policy", "load", file.name)
        self._sluice("qos", "set", "in0", "--ingress-rate", f"{RATE_GBIT}gbit",
                     "--dscp", DSCP if self.dscp else "trust")


def contenders(bench):
    return [WholeSluice(bench.sluice, "tc"), GluedNftables(), WholeSluice(bench.sluice, "xdp"),
            WholeSluice(bench.sluice, "xdp", dscp=False)]


def goals(*ratios):
    return [(name, GluedNftables.name, ratio)
            for name, ratio in zip(("sluice tc", "sluice xdp", "sluice xdp, no DSCP mark"), ratios)]


def run(bench):
    with UdpStage(bench, contenders(bench)) as stage:
        for count in (1_000,) if bench.brief else (1_000, 30_000):
            flows = Flows(count, hosts=HOSTS)
            row = Row(f"the whole job: 60-byte UDP, {count} flows", "Mpps",
                      curve=("the whole job: 60-byte UDP, over the number of flows", count))

            stage.measure(row, stage.check(flows), stage.mpps(flows))
            bench.report.add(row, *(goals(1.8, 3.5, 3.5) if count == 1_000 else []))
        if bench.brief:
            return
        flows = Flows(30_000, hosts=HOSTS)
        row = Row("the whole job: new UDP flows", "M/s")
        stage.measure(row, stage.check(flows), new_rate(stage, flows))
        bench.report.add(row, *goals(2, 2, 2))
