# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench cps`: how many new flows a second."""

from .conntrack import room_for
from .contenders import EXTERNALS, Iptables, Nftables, Sluice
from .generator import TOLERATED_LOSS, Flows, Untrusted
from .report import Row
from .stage import UdpStage


MOST_TRACKED = 300_000  # by nftables and iptables together: the host's limit is for both


def contenders(bench):
    return [Sluice(bench.sluice, "tc", EXTERNALS), Nftables(),
            Sluice(bench.sluice, "xdp", EXTERNALS), Iptables()]


def run(bench):
    flows = new_flows(bench)
    with room_for(MOST_TRACKED), UdpStage(bench, contenders(bench)) as stage:
        row = Row("new UDP flows", "M/s")
        stage.measure(row, stage.check(flows), new_rate(stage, flows))
    bench.report.add(row, ("sluice tc", "nftables", 2), ("sluice xdp", "nftables", 2))


def new_flows(bench):
    """Of a round: sluice ends no more than some 10 000 sessions a second after a flush."""
    return Flows(20_000 if bench.quick else 30_000)


def new_rate(stage, flows):
    """Each packet opens a session: an internal socket of its own, some remote. Millions a second."""
    def once(contender, lab, n):
        if not stage.bench.quick:  # there is room for all of a few short rounds
            contender.forget()
        rate, received = stage.traffic[lab].send_each(flows, first=(n + 1) * flows.count)
        # nftables itself loses a few: it gives up when it meets used ports too often.
        if received < flows.count * (1 - TOLERATED_LOSS):
            raise Untrusted(f"{flows.count - received} of {flows.count} new flows were refused")
        return 1e-6 * rate

    return once
