# SPDX-License-Identifier: GPL-2.0-or-later
"""Bulk TCP by iperf3: client and server on CPUs of their own, both out of reach of
ordinary load on the machine."""

import json
import time

from .generator import Untrusted
from .lab import SERVER
from .shell import cpu_count

REALTIME = ("chrt", "--fifo", "1")


class Iperf:
    """A server in each lab; a context manager."""

    def __init__(self, labs):
        self.labs = labs
        self.servers = []

    def __enter__(self):
        try:
            for lab in self.labs:
                self.servers.append(lab.server.popen(*REALTIME, "iperf3", "--server"))
                self._await(lab)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        for server in self.servers:
            server.terminate()
            server.wait()

    @staticmethod
    def _await(lab):
        deadline = time.monotonic() + 5
        while ":5201" not in lab.server.run("ss", "-Hltn"):
            if time.monotonic() > deadline:
                raise RuntimeError("iperf3 did not start to listen")
            time.sleep(0.05)

    def gbits(self, lab, direction, seconds, streams=1):
        """What the receiver got. direction: `out` = client to server, `back` = the other."""
        words = ["--client", SERVER, "--time", seconds, "--json", "--parallel", streams,
                 "--affinity", f"0,{cpu_count() - 1}"]
        if direction == "back":
            words.append("--reverse")
        got = json.loads(lab.client.run(*REALTIME, "iperf3", *words))["end"]["sum_received"]
        if got["bytes"] == 0:
            raise Untrusted("no TCP data came through")
        return got["bits_per_second"] / 1e9
