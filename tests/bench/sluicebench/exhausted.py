# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench exhausted`: what established sessions keep of their rate when all ports of the pool are
taken and others go on asking for one."""

from .contenders import Iptables, Nftables, Sluice
from .generator import Flows, Untrusted
from .report import Row
from .stage import UdpStage

POOL = 1_000  # ports
PORTS = f"2000-{2000 + POOL - 1}"
# Sockets, all to one remote, so that no port can serve two: numbers 1000 to 1899 are established;
# the ones before them then take what is left and are refused from there on.
FIRST, ESTABLISHED = POOL, 900
ATTEMPTS = 20
WANTING = 9  # of the refused ones go on asking: one packet of a hundred


def flows(count):
    return Flows(count, hosts=1, ports="10000-19999", remotes=1)


def contenders(bench):
    hooks, others = (("tc",), []) if bench.brief else (("tc", "xdp"), [Iptables(PORTS)])
    return [*(Sluice(bench.sluice, hook, ports=PORTS) for hook in hooks), Nftables(PORTS), *others]


def fill(contender, traffic):
    """Establishes the sessions. nftables may overlook a free port, so the refused ones ask again."""
    contender.forget()
    for _ in range(ATTEMPTS):
        if traffic.send_each(flows(ESTABLISHED), first=FIRST)[1] == ESTABLISHED:
            return
    raise Untrusted(f"{contender.name} did not open {ESTABLISHED} sessions on {POOL} ports")


def exhaust(contender, traffic):
    """Others ask until no port is left."""
    for _ in range(ATTEMPTS):
        traffic.send_each(flows(FIRST - WANTING))
        if traffic.send_each(flows(WANTING), first=FIRST - WANTING)[1] == 0:
            return
    raise Untrusted(f"{contender.name}: the pool does not get exhausted")


def run(bench):
    free, full = (Row(f"established sessions, {what}", "Mpps")
                  for what in ("ports are free", "none is free, 1 packet of 100 asks"))
    kept = Row("kept of the rate when no port is free", "ratio")
    with UdpStage(bench, contenders(bench)) as stage:
        def once(contender, lab, n):
            traffic, words = stage.traffic[lab], ("--duration", f"{bench.milliseconds}ms")
            fill(contender, traffic)
            before = traffic.send(flows(ESTABLISHED), *words, first=FIRST)
            exhaust(contender, traffic)
            share = ESTABLISHED / (ESTABLISHED + WANTING)
            after = traffic.send(flows(ESTABLISHED + WANTING), *words, first=FIRST - WANTING,
                                 expected=share)
            for row, value in ((free, 1e-6 * before), (full, 1e-6 * after)):
                row.values.setdefault(contender.name, []).append(value)
            return after / before

        stage.measure(kept, stage.check(flows(100)), once)
    for row in (free, full):
        row.beside(kept)
        bench.report.add(row)
    bench.report.add(kept, *((contender.name, None, 0.9) for contender in stage.contenders
                             if isinstance(contender, Sluice)))
