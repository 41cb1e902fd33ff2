# SPDX-License-Identifier: GPL-2.0-or-later
"""sluice-gen from Python: see tests/bench/main.cpp."""

import contextlib
import json
import subprocess
from dataclasses import dataclass

from .lab import FIRST_HOST, FIRST_REMOTE, INSIDE, MACS
from .shell import cpu_count, run

# Lost on the way is measured, but a rate with more than this missing is no rate.
TOLERATED_LOSS = 0.001
TOLERATED_OF_LOAD = 0.02  # likewise, of what is sent beside a measurement
GENTLE = 5_000  # packets a second
OVERRUN = 0.5   # lost beside the kernel, at most, while each packet is looked at: others may have the CPU


class Untrusted(RuntimeError):
    """The lab does not do what a number would claim."""


@dataclass(frozen=True)
class Flows:
    """Which flows are sent: see struct bench_flows."""

    count: int
    hosts: int = 250
    ports: str = "32768-60999"  # what Linux clients draw from
    remotes: int = 64
    mac: str = MACS["c0"]
    source: str = FIRST_HOST
    macs: int = 1
    stride: int = 1  # from one host's address to the next, modulo 2^32
    size: int = 60   # bytes of a frame, without FCS

    def words(self, first=0):
        return ["--flows", self.count, "--first", first, "--hosts", min(self.hosts, self.count),
                "--ports", self.ports, "--remotes", self.remotes, "--macs", self.macs,
                "--stride", self.stride, "--size", self.size]


class Generator:
    def __init__(self, binary):
        self.binary = binary

    def __call__(self, *words):
        return json.loads(run(self.binary, *words))

    def start(self, *words):
        return subprocess.Popen([self.binary, *map(str, words)], stdout=subprocess.PIPE, text=True)

    def floor(self, netns, hook, interface, out):
        self("--netns", netns, "floor", hook, interface, out)

    def drop_floor(self, netns, interface):
        self("--netns", netns, "drop", interface)

    def load(self, objects):
        """What these BPF objects cost, and their maps."""
        return self("load", *objects)


class Traffic:
    """Generator and sink at the two ends of a lab."""

    def __init__(self, lab, gen, *sink_words):
        self.lab, self.gen, self.sink_words = lab, gen, sink_words
        # A veth takes redirected frames only with GRO or an XDP program on its far end.
        lab.gateway.offload("in0", gro="on")
        self._attach_sink()

    def _attach_sink(self, *words):
        self.sink = self.gen("--netns", self.lab.server.name, "sink", "s0", *self.sink_words,
                             *words)["map"]

    def _frames(self, flows, first=0):
        return ["--from", flows.mac, "--to", self.lab.entrance,
                "--source", flows.source, "--remote", FIRST_REMOTE,
                "--cpu", cpu_count() - 1, *flows.words(first)]

    def _send_words(self, flows, *words, first=0):
        return ["--netns", self.lab.client.name, "send", "c0", *self._frames(flows, first), *words]

    def _send(self, flows, *words, first=0):
        return self.gen(*self._send_words(flows, *words, first=first))

    def _received(self):
        return self.gen("read", self.sink)["packets"]

    @contextlib.contextmanager
    def load(self, flows, rate, seconds):
        """Sends beside what is done meanwhile, which must take less time."""
        before = self._received()
        with self.gen.start(*self._send_words(flows, "--random", "--rate", rate, "--duration",
                                              f"{int(1000 * seconds)}ms")) as sender:
            yield
            sent = json.loads(sender.communicate()[0] or '{"packets": 0}')
        share = (self._received() - before) / max(sent["packets"], 1)
        if share < 1 - TOLERATED_OF_LOAD:
            raise Untrusted(f"{share:.1%} of the load's packets arrived")

    def send_blindly(self, flows, *words):
        """What was sent; whether it arrived others must see."""
        return self._send(flows, *words)

    def send(self, flows, *words, first=0, expected=1):
        """Rate of packets that arrived, a second. expected: the share that must; None: any."""
        before = self._received()
        sent = self._send(flows, *words, first=first)
        rate = self._rate(sent)
        share = (self._received() - before) / sent["packets"]
        if expected is not None and abs(share - expected) > TOLERATED_LOSS:
            raise Untrusted(f"{share:.1%} of the packets arrived")
        return rate * share

    @staticmethod
    def _rate(sent):
        if sent["rate"] is None:
            raise Untrusted("too few packets were sent to tell a rate: something else had the CPU")
        return sent["rate"]

    def send_each(self, flows, first=0):
        """One packet of each flow. (rate, packets that arrived)"""
        before = self._received()
        sent = self._send(flows, "--packets", flows.count, first=first)
        return sent["rate"], self._received() - before

    @staticmethod
    def _each(contender, packets):
        """How each flow is sent in turn: programs beside the kernel would be overrun."""
        if contender.in_kernel:
            return ["--packets", packets]
        return ["--rate", GENTLE, "--duration", f"{max(1, packets // GENTLE)}s"]

    def introduce(self, contender, flows):
        """Each MAC of either side sends once, so that a switch knows all."""
        self.lab.gateway.offload("out0", gro="on")
        each = self._each(contender, flows.count)
        self._send(flows, *each)
        words = self._frames(flows)
        words[words.index("--from") + 1] = self.lab.entrance
        words[words.index("--to") + 1] = flows.mac
        self.gen("--netns", self.lab.server.name, "send", "s0", *words, *each)

    def send_refused(self, flows, *words):
        """Rate of packets of which none may arrive, a second."""
        before = self._received()
        sent = self._send(flows, *words)
        if arrived := self._received() - before:
            raise Untrusted(f"{arrived} of {sent['packets']} packets arrived that were to be refused")
        return self._rate(sent)

    def nanoseconds(self, flows, hook, program, interface="in0", vlan=0):
        """What a program takes for a packet that it forwards. vlan: of the packet's tag; 0 = none."""
        timed = self.gen("--netns", self.lab.gateway.name, "time", hook, program, interface,
                         "--vlan", vlan, *self._frames(flows))
        if timed["verdict"] != "forward":
            raise Untrusted(f"the {hook} program did not forward: {timed['verdict']}")
        return timed["nanoseconds"]

    def check(self, contender, flows):
        """Opens all flows; every packet must arrive whole, in order and translated."""
        self._attach_sink("--check", INSIDE)
        packets = self._send(flows, *self._each(contender, max(flows.count, 10_000)))["packets"]
        seen = self.gen("read", self.sink)
        self._attach_sink()
        arrived = seen["packets"] - seen["foreign"]
        if not contender.in_kernel and arrived >= packets * (1 - OVERRUN):
            packets = arrived  # its rate counts what arrives, so it may be overrun
        expected = {"packets": packets + seen["foreign"], "bad_checksum": 0, "reordered": 0,
                    "untranslated": 0 if contender.translates else packets,
                    "unrouted": 0 if contender.routes else packets}
        wrong = [f"{name} {seen[name]} instead of {value}"
                 for name, value in expected.items() if seen[name] != value]
        if wrong:
            raise Untrusted(f"{contender.name} with {flows.count} flows: {', '.join(wrong)}")
