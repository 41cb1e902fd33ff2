#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The same frames enter a Linux bridge with VLAN filtering and sluice, port by port, and must leave
them by the same ports with the same bytes. Runs in the network namespace where the far ends of all
ports are; the switches are in another.

oracle.py GATEWAY [--frames N] [--seed N] [--hook HOOK] [--self WRONG]
GATEWAY: path of the switches' namespace; HOOK: of sluice's access ports

Ports 1 to 8 of a switch are the interfaces b1 to b8 (bridge) and s1 to s8 (sluice), their far ends
B1 to B8 and S1 to S8; ports 9 to 12 are a second switch that does not know of VLANs. With --self a
second bridge stands in for sluice, to test the oracle; WRONG is `nothing`, or a change that
it must find."""

import argparse
import os
import random
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

from traffic import PACKET_AUXDATA, SOL_PACKET, whole

LOCAL, MAGIC = 0x88B6, b"sluice oracle "  # IEEE Std 802 local experimental ethertype 2
TAG = 0x8100
HOSTS = [bytes((2, 0, 0, 0, 0x0C, n)) for n in range(10)]
STRANGERS = [bytes((2, 0, 0, 0, 0x0D, n)) for n in range(2)]
GROUPS = [b"\xff" * 6, bytes.fromhex("01005e000123"), bytes.fromhex("333300000123")]
VLANS = (10, 20, 30, 40, 50)


@dataclass(frozen=True)
class Port:
    """native: the VLAN of untagged frames; 0 = none."""

    native: int
    tagged: tuple = ()

    @property
    def trunk(self):
        return bool(self.tagged)


PORTS = {1: Port(10), 2: Port(10), 3: Port(20), 4: Port(30), 5: Port(0, (10, 20, 30)),
         6: Port(50, (10, 20, 40)), 7: Port(20, (30, 40, 50)), 8: Port(50)}
UNAWARE = (9, 10, 11, 12)


@dataclass
class Case:
    """What is set before its frames are sent: port -> flags; MACs that the table is given."""

    name: str
    flags: dict = field(default_factory=dict)
    entries: list = field(default_factory=list)  # (MAC, VLAN, port)


CASES = [
    Case("as they come"),
    Case("isolated ports", {1: {"isolated": True}, 2: {"isolated": True}, 5: {"isolated": True}}),
    Case("no flooding", {1: {"flood": False}, 2: {"multicast": False}, 5: {"broadcast": False},
                         7: {"flood": False, "multicast": False, "broadcast": False}}),
    Case("no learning", {1: {"learn": False}, 6: {"learn": False}}),
    Case("locked port", {1: {"locked": True, "learn": False}}, [(HOSTS[0], 10, 1)]),
    Case("static entry", {}, [(HOSTS[1], 10, 2)]),
]


class Bridge:
    """A Linux bridge; its ports are PREFIX1 and so on."""

    FLAGS = {"isolated": "isolated", "flood": "flood", "multicast": "mcast_flood",
             "broadcast": "bcast_flood", "learn": "learning", "locked": "locked"}

    def __init__(self, gateway, prefix, wrong=None):
        self.gateway, self.prefix, self.wrong = gateway, prefix, wrong
        aware, unaware = f"{prefix}aware", f"{prefix}plain"
        self._batch("ip", [f"link add {aware} type bridge vlan_filtering 1 vlan_default_pvid 0 "
                           "mcast_snooping 0",
                           f"link add {unaware} type bridge mcast_snooping 0",
                           *(f"link set {prefix}{n} master {aware}" for n in PORTS),
                           *(f"link set {prefix}{n} master {unaware}" for n in UNAWARE),
                           f"link set {aware} up", f"link set {unaware} up"])
        lines = []
        for number, port in PORTS.items():
            vlans = [f"vid {vlan}" for vlan in port.tagged]
            if port.native:
                vlans.append(f"vid {port.native} pvid untagged")
            if wrong == "leak" and number == 8:
                vlans.append("vid 40 untagged")
            lines += [f"vlan add dev {prefix}{number} {words}" for words in vlans]
        self._batch("bridge", lines)

    def _batch(self, tool, lines):
        subprocess.run(["nsenter", f"--net={self.gateway}", tool, "-batch", "-"], check=True,
                       input="\n".join(lines), text=True)

    def prepare(self, case):
        self._batch("ip", [f"link set {self.prefix}{n} type bridge_slave fdb_flush"
                           for n in (*PORTS, *UNAWARE)])
        self._set(case.flags)
        entries = [] if self.wrong == "entry" else case.entries
        self._batch("bridge", [f"fdb add {mac.hex(':')} dev {self.prefix}{port} vlan {vlan} master "
                               "static sticky"  # static alone lets them move
                               for mac, vlan, port in entries])

    def _set(self, flags):
        if self.wrong in self.FLAGS:
            flags = {port: {name: value for name, value in given.items() if name != self.wrong}
                     for port, given in flags.items()}
        self._batch("bridge", [
            f"link set dev {self.prefix}{port} {self.FLAGS[name]} {'on' if value else 'off'}"
            for port, given in flags.items() for name, value in given.items()])

    def finish(self, case):
        self._set({port: {name: name not in ("isolated", "locked") for name in given}
                   for port, given in case.flags.items()})
        self._batch("bridge", [f"fdb del {mac.hex(':')} dev {self.prefix}{port} vlan {vlan} master"
                               for mac, vlan, port in case.entries
                               if self.wrong != "entry"])


class Sluice:
    """sluice on the lab's instance ($SLUICE, $LAB); its ports are s1 and so on."""

    UNAWARE_VLAN = 99

    def __init__(self, hook):
        for number, port in PORTS.items():
            role = ("trunk", "--vlans", ",".join(map(str, port.tagged))) if port.trunk \
                else ("access", "--vlan", str(port.native), "--hook", hook)
            native = ("--native-vlan", str(port.native)) if port.trunk and port.native else ()
            self._run("port", "add", f"s{number}", "--role", *role, *native)
        for number in UNAWARE:
            self._run("port", "add", f"s{number}", "--role", "access", "--vlan",
                      str(self.UNAWARE_VLAN), "--qinq", "on")
        for number in (*PORTS, *UNAWARE):
            # The same MAC comes by all ports in turn: not a loop here.
            self._run("switch", "port", "set", f"s{number}", "--loop", "report")

    @staticmethod
    def _run(*words):
        subprocess.run([os.environ["SLUICE"], "--instance", os.environ["LAB"], *words], check=True,
                       stdout=subprocess.DEVNULL)

    def prepare(self, case):
        self._run("switch", "fdb", "flush")
        self._set(case.flags)
        for mac, vlan, port in case.entries:
            self._run("switch", "fdb", "add", mac.hex(":"), "--vlan", str(vlan), "--port",
                      f"s{port}")

    def _set(self, flags):
        for port, given in flags.items():
            words = []
            for name, value in given.items():
                words += ("--isolation", "isolated" if value else "promiscuous") \
                    if name == "isolated" else (f"--{name}", "on" if value else "off")
            self._run("switch", "port", "set", f"s{port}", *words)

    def finish(self, case):
        self._set({port: {name: name not in ("isolated", "locked") for name in given}
                   for port, given in case.flags.items()})
        for mac, vlan, _ in case.entries:
            self._run("switch", "fdb", "del", mac.hex(":"), "--vlan", str(vlan))


class Wire:
    """The far ends of all ports."""

    def __init__(self, prefixes):
        self.prefixes = prefixes
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        self.socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.socket.setblocking(False)

    def send(self, port, frame):
        for prefix in self.prefixes:
            self.socket.sendto(frame, (f"{prefix}{port}", 0))

    def receive(self):
        """For each switch what has come out: a set of (port, frame)."""
        came = {prefix: [] for prefix in self.prefixes}
        while True:
            try:
                frame, ancillary, _, origin = self.socket.recvmsg(2048, 256)
            except BlockingIOError:
                return came
            if origin[2] != socket.PACKET_OUTGOING and MAGIC in frame and origin[0][0] in came:
                came[origin[0][0]].append((int(origin[0][1:]), whole(frame, ancillary)))


def tag(draw, port):
    """Up to two tags; those of VLANs that the port is in come more often."""
    kind = draw.random()
    if kind < (0.2 if port.trunk else 0.7):
        return b""
    vlan = draw.choice([0, 4095, 60, *VLANS] if kind < 0.6 or not port.trunk else port.tagged)
    # A tag of an access port's own VLAN: the bridge lets it in, sluice by its rules does not.
    if not port.trunk and vlan == port.native:
        return b""
    one = struct.pack("!HH", TAG, draw.randrange(8) << 13 | vlan)
    return one + (struct.pack("!HH", TAG, draw.choice(VLANS)) if draw.random() < 0.1 else b"")


def random_frame(draw, number, tags):
    source = draw.choice(HOSTS)
    target = draw.choice(draw.choice([HOSTS, HOSTS, STRANGERS, GROUPS]))
    body = MAGIC + struct.pack("!I", number)
    return (target + source + tags + struct.pack("!H", LOCAL) + body).ljust(
        draw.choice([60, 61, 90, 600, 1514]), b"\xa5")


def vlan_of(port, frame):
    """That the frame is in when it enters; a port of the second switch has none."""
    tpid, tci = struct.unpack("!HH", frame[12:16])
    native = PORTS[port].native if port in PORTS else 0
    return (tci & 0xFFF or native) if tpid == TAG else native


def not_to_move(case, port, frame):
    """A MAC that another port was given: the bridge forwards the frame, sluice by its rules drops
    it."""
    return any(frame[6:12] == mac and vlan_of(port, frame) == vlan and port != owner
               for mac, vlan, owner in case.entries)


def by_our_rules(port, frame, copy):
    """What the bridge sends, as sluice is to: the native VLAN leaves a trunk untagged, but where a tag of
    the frame's own would come to be the outer one, it keeps its tag; else the frame would hop into the
    VLAN of that tag at the next switch."""
    out, sent = copy
    native = PORTS[out].native if out in PORTS and PORTS[out].trunk else 0
    if not native or vlan_of(port, frame) != native or sent[12:14] != struct.pack("!H", TAG):
        return copy
    priority = struct.unpack("!H", frame[14:16])[0] & 0xE000
    return out, sent[:12] + struct.pack("!HH", TAG, priority | native) + sent[12:]


class Oracle:
    def __init__(self, wire, bridge, other, given):
        self.wire, self.bridge, self.other, self.given = wire, bridge, other, given
        self.names = wire.prefixes
        self.numbers = 0
        self.copies = 0

    def run(self, case):
        draw = random.Random(f"{self.given.seed} {case.name}")
        for switch in (self.bridge, self.other):
            switch.prepare(case)
        for _ in range(self.given.frames):
            self.numbers += 1
            number = draw.choice(list(PORTS) * 3 + list(UNAWARE))
            port = PORTS.get(number) or Port(0, VLANS)
            self.compare(case, number, random_frame(draw, self.numbers, tag(draw, port)))
        for switch in (self.bridge, self.other):
            switch.finish(case)
        print(f"ok: {case.name}: {self.given.frames} frames, {self.copies} copies so far", flush=True)

    def compare(self, case, port, frame):
        left = self.names[0]
        self.wire.send(port, frame)
        deadline = time.monotonic() + 0.5
        came = self.wire.receive()
        while not self.same(case, port, frame, came) and time.monotonic() < deadline:
            for name, more in self.wire.receive().items():
                came[name] += more
        if not self.same(case, port, frame, came):
            sys.exit(f"{case.name}: frame {self.numbers} (--seed {self.given.seed}) by port {port}: "
                     f"{frame[:40].hex()}\n" + "\n".join(
                         f"{name}: {[(n, f[:40].hex()) for n, f in sorted(came[name])]}"
                         for name in self.names))
        self.copies += len(came[left])

    def same(self, case, port, frame, came):
        left, right = (sorted(came[name]) for name in self.names)
        if self.given.self:
            return left == right
        if not_to_move(case, port, frame):
            return not right
        return sorted(by_our_rules(port, frame, copy) for copy in left) == right


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gateway")
    parser.add_argument("--frames", type=int, default=300, help="of each case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hook", default="auto")
    parser.add_argument("--self", metavar="WRONG")
    given = parser.parse_args()
    wire = Wire("BS")
    other = Bridge(given.gateway, "s", given.self) if given.self else Sluice(given.hook)
    oracle = Oracle(wire, Bridge(given.gateway, "b"), other, given)
    for case in CASES:
        oracle.run(case)
    # Most frames must get somewhere, or nothing was compared.
    if oracle.copies < oracle.numbers:
        sys.exit(f"{oracle.copies} copies of {oracle.numbers} frames: the oracle is blind")


if __name__ == "__main__":
    main()
