# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench latency`: how long one waits for the answer to a request, with nothing else under way
and beside a load that all contenders carry."""

import time

from .contenders import Forwarding, Nftables, Sluice
from .generator import Flows, Traffic, Untrusted
from .lab import SERVER
from .report import Row
from .stage import UdpStage

PORT = 7  # echo (RFC 862)
LOAD = 200_000  # packets a second: a third of what nftables can do here
LOAD_FLOWS = Flows(1_000)
# Drawn over the number of round trips of which one is slower.
PERCENTILES = {"p50": 2, "p99": 100, "p99.9": 1000}
HEAD_START = 0.2  # seconds that the load begins earlier and ends later


def contenders(bench):
    hooks, others = (("tc", "xdp"), []) if bench.brief else (("auto", "tc", "xdp"), [Forwarding()])
    return [*(Sluice(bench.sluice, hook) for hook in hooks), Nftables(), *others]


class EchoStage(UdpStage):
    """The server answers beside the sink; all of it on another CPU than the generator, if there is
    one."""

    def _add_traffic(self, lab):
        # So that XDP may redirect the answers, too.
        lab.client.offload("c0", gro="on")
        self.traffic[lab] = Traffic(lab, self.bench.gen, "--beside")

    def __enter__(self):
        super().__enter__()
        try:
            for lab in self.labs.values():
                self._echo(lab)
        except BaseException:
            self.stack.close()
            raise
        return self

    def _echo(self, lab):
        echo = self.stack.enter_context(
            self.bench.gen.start("--netns", lab.server.name, "echo", PORT, "--cpu", 0))
        self.stack.callback(echo.terminate)
        deadline = time.monotonic() + 5
        while f":{PORT} " not in lab.server.run("ss", "-Hlun"):
            if time.monotonic() > deadline:
                raise RuntimeError("nobody listens for echoes")
            time.sleep(0.02)

    def ask(self, lab, seconds):
        trips = self.bench.gen("--netns", lab.client.name, "ask", SERVER, PORT, "--cpu", 0,
                               "--duration", f"{int(1000 * seconds)}ms")
        if trips["lost"] > 0.001 * trips["requests"]:
            raise Untrusted(f"{trips['lost']} of {trips['requests']} requests got no answer")
        return trips


def run(bench):
    with EchoStage(bench, contenders(bench)) as stage:
        seconds = bench.milliseconds / 1000

        def unloaded(lab):
            return stage.ask(lab, seconds)

        def loaded(lab):
            with stage.traffic[lab].load(LOAD_FLOWS, LOAD, seconds + 2 * HEAD_START):
                time.sleep(HEAD_START)
                return stage.ask(lab, seconds)

        percentiles(bench, stage, "unloaded", unloaded)
        percentiles(bench, stage, f"beside {LOAD // 1000} kpps", loaded)


def percentiles(bench, stage, state, ask):
    rows = {name: Row(f"request and response, {state}, {name}", "us",
                      curve=(f"request and response, {state}", slower, name))
            for name, slower in PERCENTILES.items()}

    def check(contender, lab):
        stage.traffic[lab].check(contender, LOAD_FLOWS)
        stage.ask(lab, 0.05)

    answers = {}

    def once(contender, lab, n):
        trips = ask(lab)
        answers.setdefault(contender.name, []).append(trips)
        return trips["p99"]

    measured = stage.measure(rows["p99"], check, once)
    for name, row in rows.items():
        row.values = {who: [trips[name] for trips in answers[who]] for who in measured.values}
        row.beside(measured)
        goals = [(contender.name, "nftables", 1, False) for contender in stage.contenders
                 if isinstance(contender, Sluice)]
        bench.report.add(row, *(goals if name == "p99" else []))
