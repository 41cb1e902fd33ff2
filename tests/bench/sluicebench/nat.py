"""`scripts/bench nat`: sluice's NAT against nftables, kernel forwarding and the floors."""

from .contenders import EXTERNALS, Floor, Forwarding, Nftables, Sluice
from .generator import TOLERATED_LOSS, Flows, Untrusted
from .iperf import Iperf
from .report import Row
from .stage import Stage, UdpStage

FLOORS = {"sluice tc": "tc floor", "nftables": "tc floor", "kernel forwarding": "tc floor",
          "sluice xdp": "xdp floor"}


def run(bench):
    bulk_tcp(bench)
    established_udp(bench)
    new_flows(bench)
    live_sessions(bench)


def established_udp(bench):
    contenders = [Floor(bench.gen, "tc"), Sluice(bench.sluice, "tc"), Forwarding(), Nftables(),
                  Floor(bench.gen, "xdp"), Sluice(bench.sluice, "xdp")]
    with UdpStage(bench, contenders) as stage:
        for count in (1, 1_000, 30_000):
            flows = Flows(count)

            def check(contender, lab):
                stage.traffic[lab].check(contender, flows)

            def once(contender, lab, n):
                return 1e-6 * stage.traffic[lab].send(
                    flows, "--random", "--seed", n + 1, "--duration", f"{bench.milliseconds}ms")

            row = Row(f"60-byte UDP, {count} flows", "Mpps", floors=FLOORS,
                      curve=("60-byte UDP, established, over the number of flows", count))
            stage.measure(row, check, once)
            goals = [("sluice tc", "tc floor", 0.85), ("sluice tc", "nftables", 1.25),
                     ("sluice xdp", "xdp floor", 0.75), ("sluice xdp", "nftables", 3)]
            bench.report.add(row, *(goals if count == 1_000 else []))


def new_rate(stage, flows):
    """Each packet opens a session: an internal socket of its own, some remote. Millions a second."""
    def once(contender, lab, n):
        contender.forget()
        rate, received = stage.traffic[lab].send_each(flows, first=(n + 1) * flows.count)
        # nftables itself loses a few: it gives up when it meets used ports too often.
        if received < flows.count * (1 - TOLERATED_LOSS):
            raise Untrusted(f"{flows.count - received} of {flows.count} new flows were refused")
        return 1e-6 * rate

    return once


def new_flows(bench):
    contenders = [Sluice(bench.sluice, "tc", EXTERNALS), Nftables(),
                  Sluice(bench.sluice, "xdp", EXTERNALS)]
    flows = Flows(100_000)
    with UdpStage(bench, contenders) as stage:
        def check(contender, lab):
            stage.traffic[lab].check(contender, flows)

        row = stage.measure(Row("new UDP flows", "M/s"), check, new_rate(stage, flows))
    bench.report.add(row, ("sluice tc", "nftables", 1.5), ("sluice xdp", "nftables", 1.5))


def live_sessions(bench):
    """A million sessions at once: 62500 internal sockets, each talking to 16 remotes."""
    flows = Flows(1_000_000, hosts=250, ports="32768-33017")
    contender = Sluice(bench.sluice, "tc", EXTERNALS, "2m")
    alive = Row("1M sessions: forwarded when sent to again", "share")
    memory = Row("1M sessions: memory of all maps", "MB")
    with UdpStage(bench, [contender]) as stage:
        def open_all(contender, lab):
            stage.traffic[lab].send_each(flows)

        def revisit(contender, lab, n):
            return stage.traffic[lab].send_each(flows)[1] / flows.count

        def weigh(contender, lab, n):
            return contender.memory() / 1e6

        stage.measure(alive, open_all, revisit, rounds=1)
        stage.measure(memory, lambda *_: None, weigh, rounds=1)
    bench.report.add(alive, (contender.name, None, 1))
    bench.report.add(memory, (contender.name, None, 400, False))


def bulk_tcp(bench):
    contenders = [Sluice(bench.sluice, "auto"), Nftables()]
    with Stage(bench, contenders) as stage, Iperf(stage.labs.values()) as iperf:
        for gso in ("on", "off"):
            for lab in stage.labs.values():
                lab.client.offload("c0", gso=gso, tso=gso)
                lab.server.offload("s0", gso=gso, tso=gso)
            for direction in ("out", "back"):
                def check(contender, lab):
                    iperf.gbits(lab, direction, 1)

                def once(contender, lab, n):
                    return iperf.gbits(lab, direction, bench.tcp_seconds)

                row = Row(f"bulk TCP {direction}, GSO {gso}", "Gbit/s")
                stage.measure(row, check, once)
                goal = 0.97 if gso == "on" else 1.05
                bench.report.add(row, ("sluice auto", "nftables", goal))
