# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench scale`: what happens as flows, ports, rules and leases become many."""

import time

from .conntrack import room_for, slab_bytes, table_bytes
from .contenders import EXTERNALS, Floor, Forwarding, Nftables, Sluice
from .fit import grown
from .generator import Flows
from .growth import growth
from .report import Row
from .stage import Stage, UdpStage

MILLION = 1_000_000
FAR = 100 * MILLION
FLOORS = {"sluice tc": "tc floor", "nftables": "tc floor", "kernel forwarding": "tc floor",
          "sluice xdp": "xdp floor"}
GOALS = {1_000: [("sluice xdp", "xdp floor", 0.8), ("sluice xdp", "nftables", 3.2),
                 ("sluice tc", "tc floor", 0.9), ("sluice tc", "nftables", 1.3)],
         300_000: [("sluice xdp", "xdp floor", 0.6), ("sluice xdp", "nftables", 3),
                   ("sluice tc", "nftables", 1.4)],
         MILLION: [("sluice xdp", "xdp floor", 0.5)]}
MOST_TRACKED = MILLION  # what nftables is asked for; more takes it too much memory and time
MOST = 3 * MILLION  # sluice: ten million take three minutes to open, and half of them idle out meanwhile
PEERS = 16  # that a socket talks to


def flows(count):
    """Of up to 250 hosts; each socket talks to up to 16 remotes."""
    ports = max(1, -(-count // PEERS // 250))
    return Flows(count, hosts=250, ports=f"32768-{32767 + ports}", remotes=1_000)


def run(bench):
    counts = ((300_000,) if bench.brief else (1, 1_000, 300_000) if bench.quick else
              (1, 1_000, 30_000, 300_000, MILLION))
    with room_for(2 * MOST_TRACKED):
        established(bench, counts)
    if bench.brief:
        return
    if not bench.quick:
        established(bench, (MOST,), most=MOST)
        with room_for(MOST_TRACKED):
            memory(bench)
        listing(bench)
    growth(bench)
    starting(bench)


def big_sluice(bench, hook, sessions):
    """Room for a quarter more: hash tables that are full are slow."""
    return Sluice(bench.sluice, hook, EXTERNALS, max_flows=int(2.5 * sessions),
                  max_bindings=max(300_000, sessions // PEERS * 5 // 4))


def contenders(bench, most):
    sluices = [big_sluice(bench, hook, most) for hook in ("tc", "xdp")]
    floors = [Floor(bench.gen, hook) for hook in ("tc", "xdp")]
    others = [Nftables()] if most <= MOST_TRACKED else []
    if not bench.brief:
        others.append(Forwarding())
    return [*floors, *sluices, *others]


def established(bench, counts, most=MILLION):
    rows = {}
    with UdpStage(bench, contenders(bench, most)) as stage:
        for count in counts:
            rows[count] = Row(f"60-byte UDP, {count} flows", "Mpps", floors=FLOORS,
                              curve=("60-byte UDP, up to a million flows and more", count))
            stage.measure(rows[count], stage.check(flows(count)), stage.mpps(flows(count)))
            bench.report.add(rows[count], *GOALS.get(count, []))
    if len(counts) > 1:
        for row in grown("established flows", above_floor(rows), FAR):
            bench.report.add(row)


def above_floor(rows):
    """Nanoseconds a packet more than the floor takes at as many flows, from 1000 flows on: what the
    caches of this machine hold no longer is in it."""
    costs = {}
    for count, row in rows.items():
        for name, floor in row.floors.items():
            values = zip(row.values.get(name, ()), row.values.get(floor, ()))
            if more := [1e3 / mpps - 1e3 / fastest for mpps, fastest in values]:
                if count >= 1_000:
                    costs.setdefault(name, {})[count] = more
    return costs


def memory(bench):
    """Of a million sessions: sluice's maps, which are there beforehand; what nftables takes."""
    row = Row("memory of 1M sessions", "MB")
    bindings = MILLION // PEERS * 5 // 4
    sluice, nftables = Sluice(bench.sluice, "tc", EXTERNALS, "2m", bindings), Nftables()
    with UdpStage(bench, [sluice, nftables]) as stage:
        def once(contender, lab, n):
            if contender is sluice:
                return sluice.memory() / 1e6
            contender.forget()
            before = slab_bytes()
            stage.traffic[lab].send_each(flows(MILLION))
            return (slab_bytes() - before + table_bytes()) / 1e6

        alive(bench, stage, sluice)
        stage.measure(row, lambda *_: None, once, rounds=1)
    bench.report.add(row, (sluice.name, None, 300, False))


def alive(bench, stage, sluice):
    """All of a million sessions are there: each forwards when it is sent to again."""
    row = Row("1M sessions: forwarded when sent to again", "share")

    def again(contender, lab, n):
        return stage.traffic[lab].send_each(flows(MILLION))[1] / MILLION

    stage.measure(row, lambda contender, lab: stage.traffic[lab].send_each(flows(MILLION)), again,
                  rounds=1)
    bench.report.add(row, (sluice.name, None, 1))


def listing(bench):
    sluice = Sluice(bench.sluice, "tc", EXTERNALS, "2m")
    rows = {words: Row(f"`{' '.join(words)}` of 1M sessions", "s")
            for words in (("nat", "session", "list"), ("nat", "session", "count"))}
    with UdpStage(bench, [sluice]) as stage:
        for words, row in rows.items():
            stage.measure(row,
                          lambda contender, lab: stage.traffic[lab].send_each(flows(MILLION)),
                          lambda contender, lab, n: seconds(contender.set, *words), rounds=2)
            bench.report.add(row)


def starting(bench):
    """`up` with tables of several sizes."""
    row = Row("`up`", "s")
    sizes = ("1m",) if bench.quick else ("1m", "10m")
    ways = [Starting(bench.sluice, size) for size in sizes]
    with Stage(bench, ways) as stage:
        stage.measure(row, lambda *_: None, lambda contender, lab, n: contender.seconds(lab))
    bench.report.add(row)


class Starting(Sluice):
    def __init__(self, binary, max_flows):
        super().__init__(binary, "tc", max_flows=max_flows)
        self.name = f"--max-flows {max_flows}"

    def set_up(self, lab):
        pass

    def seconds(self, lab):
        taken = seconds(self.start, lab)
        self.close()
        self.state, self.is_up = None, False
        return taken


def seconds(action, *arguments):
    begin = time.monotonic()
    action(*arguments)
    return time.monotonic() - begin
