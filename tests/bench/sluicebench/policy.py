# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench policy`: a stateful firewall of many rules, in sluice and in nftables."""

import tempfile
import time

from .contenders import EXTERNALS, Nftables, Sluice
from .generator import Flows
from .lab import INSIDE
from .cps import new_flows, new_rate
from .report import Row
from .stage import UdpStage

FEW, MANY, MOST = 10, 1_000, 10_000  # rules


def run(bench):
    many_rules(bench)
    if bench.brief:
        return
    by_rules(bench)
    established(bench)
    loading(bench)


def rules(count):
    """All about somebody else, but for the last one, which allows what the generator sends:
    (source, destination, port)."""
    for n in range(count - 1):
        yield f"10.1.{n // 256}.{n % 256}", f"198.51.{n % 256}.0/24", 1024 + n % 5000
    yield INSIDE, "198.19.0.0/16", None


def sluice_policy(count):
    yield "network-policy:"
    for n, (source, destination, port) in enumerate(rules(count)):
        ports = f", ports: {port}" if port else ""
        yield (f"  - {{name: rule{n}, action: allow, source: {source}, destination: {destination}, "
               f"protocol: udp{ports}}}")
    yield "defaults:"
    yield "  - {direction: in, action: deny}"


def nftables_policy(count):
    """What goes one way only stays `new` to conntrack: a mark stands for what answers would do."""
    yield "add table ip filter"
    yield "add chain ip filter forward { type filter hook forward priority filter; policy drop; }"
    yield "add rule ip filter forward ct state established,related accept"
    yield "add rule ip filter forward ct mark 1 accept"
    for source, destination, port in rules(count):
        ports = f"udp dport {port}" if port else "ip protocol udp"
        yield (f"add rule ip filter forward ip saddr {source} ip daddr {destination} {ports} "
               "ct mark set 1 accept")


def written(lines):
    file = tempfile.NamedTemporaryFile("w", prefix="sluice-bench-", suffix=".rules")
    file.write("\n".join(lines) + "\n")
    file.flush()
    return file


class JudgingSluice(Sluice):
    def __init__(self, binary, hook, count, **more):
        super().__init__(binary, hook, EXTERNALS, **more)
        self.count = count
        self.name = f"sluice {hook}, {count} rules" if count else f"sluice {hook}, no policy"

    def set_up(self, lab):
        super().set_up(lab)
        if self.count:
            self.load(self.count)

    def load(self, count):
        with written(sluice_policy(count)) as file:
            self._sluice("policy", "load", file.name)


class JudgingNftables(Nftables):
    name = f"nftables, {MANY} rules"

    def set_up(self, lab):
        super().set_up(lab)
        with written(nftables_policy(MANY)) as file:
            self.space.run("nft", "-f", file.name)


def measure_new(bench, row, contenders):
    flows = new_flows(bench)
    with UdpStage(bench, contenders) as stage:
        stage.measure(row, stage.check(flows), new_rate(stage, flows))
    return row


def many_rules(bench):
    ways = [JudgingSluice(bench.sluice, hook, MANY) for hook in ("tc", "xdp")]
    row = measure_new(bench, Row(f"new UDP flows, {MANY} rules", "M/s"), [*ways, JudgingNftables()])
    bench.report.add(row, *((way.name, JudgingNftables.name, 1.5) for way in ways))


def by_rules(bench):
    for hook in ("tc", "xdp"):
        ways = [JudgingSluice(bench.sluice, hook, count) for count in (FEW, MOST)]
        row = measure_new(bench, Row(f"new UDP flows, {hook}, by the number of rules", "M/s"), ways)
        bench.report.add(row, (ways[1].name, ways[0].name, 0.9))


def established(bench):
    """The same flows with a policy and without."""
    ways = [JudgingSluice(bench.sluice, hook, count) for hook in ("tc", "xdp") for count in (0, MANY)]
    flows = Flows(1_000)
    row = Row("60-byte UDP, established, 1000 flows", "Mpps")
    with UdpStage(bench, ways) as stage:
        stage.measure(row, stage.check(flows), stage.mpps(flows), rounds=2 * bench.rounds)
    bench.report.add(row, *((ways[i + 1].name, ways[i].name, 0.98) for i in (0, 2)))


def loading(bench):
    sluice = JudgingSluice(bench.sluice, "tc", 0)
    row = Row(f"loading {MOST} rules", "s")
    with UdpStage(bench, [sluice]) as stage:
        def once(contender, lab, n):
            begin = time.monotonic()
            contender.load(MOST)
            return time.monotonic() - begin

        stage.measure(row, lambda *_: None, once)
    bench.report.add(row, (sluice.name, None, 2, False))
