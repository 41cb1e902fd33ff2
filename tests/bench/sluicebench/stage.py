# SPDX-License-Identifier: GPL-2.0-or-later
"""Sets contenders up side by side and measures them in turn."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from .generator import Traffic, Untrusted
from .lab import Lab
from .shell import CommandFailed, cpu_count


class Stage:
    """Contenders that run, each in a lab of its own; a context manager."""

    def __init__(self, bench, contenders, prepare=lambda lab: None):
        """prepare(lab) is done before the contender is set up."""
        self.bench, self.contenders, self.prepare = bench, contenders, prepare
        self.labs = {}      # contender -> Lab
        self.not_run, self.refused = {}, {}   # name -> why
        self.stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:  # undone if set_up is interrupted
            with ThreadPoolExecutor(cpu_count() if self.bench.brief else 1) as pool:
                list(pool.map(lambda contender: self._set_up(contender, stack), self.contenders))
            self.labs = {contender: self.labs[contender] for contender in self.contenders
                         if contender in self.labs}
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        return self.stack.__exit__(*exception)

    def _set_up(self, contender, stack):
        self.bench.progress(f"setting up {contender.name}")
        reason = contender.not_run()
        if reason:
            self.not_run[contender.name] = reason
            return
        lab = Lab(self.bench.lab_name())
        stack.callback(lab.close)
        try:
            self.prepare(lab)
            stack.callback(contender.close)
            contender.set_up(lab)
            self.labs[contender] = lab
        except CommandFailed as error:
            self.refused[contender.name] = str(error)

    def share(self, contender, others):
        """Others are measured in the contender's place, all in its lab."""
        if contender in self.labs:
            self.labs |= dict.fromkeys(others, self.labs.pop(contender))
        else:
            for group in (self.not_run, self.refused):
                if reason := group.pop(contender.name, None):
                    group |= {other.name: reason for other in others}

    def measure(self, row, check, once, rounds=None):
        """Fills the row: check(contender, lab) each, then once(contender, lab, round) in turn."""
        row.beside(self)
        running = [c for c in self.labs if self._trusted(row, c, check, c, self.labs[c])]
        rounds = rounds or self.bench.rounds
        for n in range(rounds):
            for contender in list(running):
                self.bench.progress(f"{row.measure}: round {n + 1} of {rounds}: {contender.name}")
                if not self._trusted(row, contender, self._keep, row, contender, once, n):
                    running.remove(contender)
                    row.values.pop(contender.name, None)
        return row

    def _keep(self, row, contender, once, n):
        row.values.setdefault(contender.name, []).append(once(contender, self.labs[contender], n))

    @staticmethod
    def _trusted(row, contender, action, *arguments):
        try:
            action(*arguments)
            return True
        except (Untrusted, CommandFailed) as error:
            row.refused[contender.name] = str(error)
            return False


class UdpStage(Stage):
    """Contenders between a generator and a sink."""

    def __init__(self, bench, contenders):
        super().__init__(bench, contenders, self._add_traffic)
        self.traffic = {}

    def _add_traffic(self, lab):
        self.traffic[lab] = Traffic(lab, self.bench.gen)

    def check(self, flows):
        """For measure(): opens all flows, each packet is looked at."""
        return lambda contender, lab: self.traffic[lab].check(contender, flows)

    def mpps(self, flows=None, zipf=None):
        """For measure(): the rate of flows that are open. None: the contender's own. Drawn
        uniformly, or as the exponent says."""
        zipf = zipf or self.bench.zipf
        order = ["--zipf", zipf] if zipf else ["--random"]

        def once(contender, lab, n):
            return 1e-6 * self.traffic[lab].send(
                flows or contender.flows, *order, "--seed", self.bench.seed + n,
                "--duration", f"{self.bench.milliseconds}ms",
                expected=1 if contender.in_kernel else None)

        return once
