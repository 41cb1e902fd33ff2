# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench qos`: rates that are kept, delays under load, shares, many VMs at once."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from .contenders import Sluice
from .cost import adds
from .fan import VMS, vm_rate
from .generator import Untrusted
from .report import Row
from .shaped import VOICE_PORT, WEIGHTS, NftLimit, ShapingSluice, TcHtb, TcPolice, TcTbf
from .shell import Namespace
from .stage import Stage

CLIENT, SERVER = "10.0.0.2", "198.18.0.2"
LOADED, OTHER_RATES = 100, (10, 1000, 5000)  # Mbit/s
UDP, MANY_TCP = "UDP, offered twice", "8 x TCP"
VOICE = ("voice", "--match", "app=voip", "--priority", 0, "--max", "20%")
ECHO = Path(__file__).with_name("echo.py")
POUR = Path(__file__).with_name("pour.py")
FAN = Path(__file__).with_name("fan.py")


def run(bench):
    if bench.brief:
        policer(bench)
        return
    accuracy(bench, LOADED, compared(bench), (UDP,) if bench.quick else (UDP, MANY_TCP))
    delay(bench)
    if not bench.quick:
        for mbit in OTHER_RATES:
            accuracy(bench, mbit, ways(bench), (UDP,))
        weights(bench)
        many(bench)
    policer(bench)


# --- one VM, one rate ---


def mtu_of(mbit):
    """Two CPUs send no 10 Gbit/s in small frames."""
    return 9000 if mbit > 1000 else 1500


def prepare(mbit):
    def widen(lab):
        for space, interface in ((lab.client, "c0"), (lab.gateway, "in0"), (lab.gateway, "out0"),
                                 (lab.server, "s0")):
            space.ip("link", "set", interface, "mtu", mtu_of(mbit))
    return widen


def received(space, interface):
    stats = json.loads(space.ip("-j", "-s", "link", "show", interface))[0]["stats64"]
    return stats["rx"]["bytes"], time.monotonic()


def iperf(lab, contender, seconds, *words):
    command = ["iperf3", "--client", SERVER, "--json", "--time", seconds, *words]
    return command + ["--reverse"] if contender.back else command


def udp_share(lab, contender, mbit, seconds):
    """Of the rate, as the receiver's interface counts frames, past the burst at the beginning."""
    sender, host, last, where = (
        (lab.server, CLIENT, "in0", (lab.client, "c0")) if contender.back else
        (lab.client, SERVER, "out0", (lab.server, "s0")))
    # So that the far end counts frames as they are on the wire.
    lab.gateway.offload(last, **{"gso": "off", "tx-udp-segmentation": "off"})
    with sender.popen(sys.executable, POUR, host, 2 * mbit, seconds + 2, mtu_of(mbit) - 28) as pouring:
        time.sleep(1.5)  # the bucket of nft limit holds a second more than its burst
        before, start = received(*where)
        time.sleep(seconds)
        after, end = received(*where)
        pouring.wait()
    lab.gateway.offload(last, **{"gso": "on", "tx-udp-segmentation": "on"})
    return (after - before) * 8 / (end - start) / (mbit * 1e6)


def tcp_share(lab, contender, mbit, seconds, streams):
    """Of the rate: what was received, with the headers that it came in."""
    mtu = mtu_of(mbit)
    answer = json.loads(lab.client.run(*iperf(lab, contender, seconds, "--parallel", streams,
                                              "--omit", 1, "--congestion", "cubic")))
    bits = answer["end"]["sum_received"]["bits_per_second"]
    if not bits:
        raise Untrusted("no TCP data came through")
    return bits * (mtu + 14) / (mtu - 52) / (mbit * 1e6)


class Servers:
    """iperf3 in each lab; a context manager."""

    def __init__(self, labs, ports=(5201,)):
        self.labs, self.ports, self.running = labs, ports, []

    def __enter__(self):
        self.running = [lab.server.popen("iperf3", "--server", "--port", port)
                        for lab in self.labs for port in self.ports]
        time.sleep(0.5)
        return self

    def __exit__(self, *exception):
        for server in self.running:
            server.terminate()
            server.wait()


def ways(bench):
    return [ShapingSluice(bench.sluice, "sluice shapes"),
            ShapingSluice(bench.sluice, "sluice polices", back=False)]


def compared(bench):
    others = [] if bench.quick else [TcTbf(), TcPolice()]
    return [*ways(bench), TcHtb(), NftLimit(), *others]


def accuracy(bench, mbit, contenders, kinds):
    seconds = bench.tcp_seconds
    shares = {UDP: lambda *it: udp_share(*it, mbit, seconds),
              MANY_TCP: lambda *it: tcp_share(*it, mbit, seconds, 8)}
    with Stage(bench, contenders, prepare(mbit)) as stage, Servers(stage.labs.values()):
        for kind in kinds:
            row = Row(f"{mbit} Mbit/s, {kind}", "of the rate")
            stage.measure(row, lambda contender, lab: contender.set_rate(mbit),
                          lambda contender, lab, n: shares[kind](lab, contender))
            within = 0.01 if kind == UDP else 0.05
            bench.report.add(row, *(goal for name in ("sluice shapes", "sluice polices")
                                    for goal in ((name, None, 1 - within),
                                                 (name, None, 1 + within, False))))


# --- delay under load ---


@contextlib.contextmanager
def echoing(labs):
    """The clients answer on VOICE_PORT."""
    echoes = [lab.client.popen(sys.executable, ECHO, "serve", VOICE_PORT) for lab in labs]
    try:
        deadline = time.monotonic() + 5
        for lab in labs:
            while f":{VOICE_PORT}" not in lab.client.run("ss", "-Hlun"):
                if time.monotonic() > deadline:
                    raise RuntimeError("nobody listens for echoes")
                time.sleep(0.05)
        yield
    finally:
        for echo in echoes:
            echo.terminate()
            echo.wait()


def round_trips(lab, port, seconds):
    return json.loads(lab.server.run(sys.executable, ECHO, "ask", CLIENT, port, seconds))


def delay(bench):
    contenders = [ShapingSluice(bench.sluice, "sluice, voice class", classes=[VOICE]),
                  TcHtb("tc htb, voice class", voice=True)]
    if not bench.quick:
        contenders += [ShapingSluice(bench.sluice, "sluice, no classes"), TcTbf(), TcHtb()]
    idle, loaded = (Row(f"voice p99, {what}", "us") for what in ("idle", "8 x TCP beside it"))
    times, bulk = Row("voice p99, loaded / idle", "ratio"), Row("the streams beside it", "of the rate")
    seconds = bench.tcp_seconds
    with Stage(bench, contenders) as stage, Servers(stage.labs.values()):
        def alone(contender, lab, n):
            return round_trips(lab, VOICE_PORT, seconds)["p99"]

        def beside(contender, lab, n):
            with subprocess.Popen(["ip", "netns", "exec", lab.client.name,
                                   *map(str, iperf(lab, contender, seconds + 1, "--parallel", 8,
                                                   "--omit", 1, "--congestion", "cubic"))],
                                  stdout=subprocess.PIPE, text=True) as streams:
                time.sleep(1.5)
                trips = round_trips(lab, VOICE_PORT, seconds)
                answer = json.loads(streams.stdout.read())
            bits = answer["end"]["sum_received"]["bits_per_second"]
            bulk.values.setdefault(contender.name, []).append(
                bits * 1514 / 1448 / (LOADED * 1e6))
            return trips["p99"]

        with echoing(stage.labs.values()):
            stage.measure(idle, lambda contender, lab: contender.set_rate(LOADED), alone)
            stage.measure(loaded, lambda contender, lab: None, beside)
    for name, values in loaded.values.items():
        pairs = zip(values, idle.values.get(name, values))
        times.values[name] = [under / alone for under, alone in pairs]
    for row in (idle, loaded):
        bench.report.add(row)
    bench.report.add(times, ("sluice, voice class", None, 2, False))
    bench.report.add(bulk, ("sluice, voice class", None, 0.95))


# --- shares ---


def weights(bench):
    classes = [(f"w{weight}", "--match", f"port={port}", "--weight", weight)
               for weight, port in WEIGHTS.items()]
    sluice = ShapingSluice(bench.sluice, "sluice", classes=classes)
    rows = {weight: Row(f"weight {weight} of 1:2:4", "of its share") for weight in WEIGHTS}
    with Stage(bench, [sluice]) as stage:
        for contender, lab in stage.labs.items():
            with Servers([lab], WEIGHTS.values()):
                contender.set_rate(LOADED)
                for n in range(bench.rounds):
                    bench.progress(f"weights: round {n + 1} of {bench.rounds}")
                    for weight, share in shares(lab, contender, bench.tcp_seconds + 2).items():
                        rows[weight].values.setdefault("sluice", []).append(share)
    for row in rows.values():
        row.beside(stage)
        bench.report.add(row, ("sluice", None, 0.95), ("sluice", None, 1.05, False))


def shares(lab, contender, seconds):
    streams = {}
    for weight, port in WEIGHTS.items():
        command = iperf(lab, contender, seconds, "--port", port, "--parallel", 2, "--omit", 1)
        streams[weight] = subprocess.Popen(["ip", "netns", "exec", lab.client.name,
                                            *map(str, command)], stdout=subprocess.PIPE, text=True)
    bits = {weight: json.loads(stream.communicate()[0])["end"]["sum_received"]["bits_per_second"]
            for weight, stream in streams.items()}
    all_weights, all_bits = sum(WEIGHTS), sum(bits.values())
    return {weight: bits[weight] / all_bits * all_weights / weight for weight in WEIGHTS}


# --- a hundred VMs ---

class ManyVms(Sluice):
    """VMs behind taps of the gateway, each at a rate of its own."""

    def __init__(self, binary):
        super().__init__(binary, "tc")
        self.name, self.vms = "sluice", None

    def set_up(self, lab):
        self.lab = lab
        self.vms = Namespace(f"{lab.name}-vms")
        self.start(lab)
        self._sluice("port", "add", "out0", "--role", "uplink", "--hook", "tc")
        lab.server.ip("route", "add", "10.1.0.0/16", "via", "198.18.0.1")
        for number in range(1, VMS + 1):
            tap, address = f"tap{number}", f"10.1.{number}"
            lab.gateway.ip("link", "add", tap, "type", "veth", "peer", "name", "eth" + str(number),
                           "netns", self.vms.name)
            # So that the far end counts frames as they are on the wire.
            lab.gateway.offload(tap, gso="off")
            lab.gateway.run("ethtool", "-K", tap, "tx-udp-segmentation", "off")
            lab.gateway.ip("link", "set", tap, "up")
            self.vms.ip("link", "set", f"eth{number}", "up")
            lab.gateway.ip("address", "add", f"{address}.1/24", "dev", tap)
            mac = json.loads(self.vms.ip("-j", "link", "show", f"eth{number}"))[0]["address"]
            lab.gateway.ip("neighbour", "replace", f"{address}.2", "lladdr", mac, "dev", tap,
                           "nud", "permanent")
            self._sluice("port", "add", tap, "--role", "access", "--hook", "tc")
            self._sluice("qos", "set", tap, "--egress-rate", f"{vm_rate(number) // 1000}kbit")

    def close(self):
        super().close()
        if self.vms:
            self.vms.close()

    def received(self):
        links = json.loads(self.vms.ip("-j", "-s", "link", "show"))
        return {link["ifname"]: link["stats64"]["rx"]["bytes"] for link in links}, time.monotonic()

    def shares(self, seconds):
        """What each VM gets of its rate when it is sent twice as much."""
        with self.lab.server.popen(sys.executable, FAN, seconds + 3) as sender:
            time.sleep(2)
            before, start = self.received()
            time.sleep(seconds)
            after, end = self.received()
            sender.wait()
        return [(after[f"eth{n}"] - before[f"eth{n}"]) * 8 / (end - start) / vm_rate(n)
                for n in range(1, VMS + 1)]


def many(bench):
    worst, all_of_them = (Row(f"{VMS} VMs at {VMS} rates, {what}", "of the rate")
                          for what in ("the furthest off", "median"))
    with Stage(bench, [ManyVms(bench.sluice)]) as stage:
        for contender in stage.labs:
            for n in range(bench.rounds):
                bench.progress(f"many VMs: round {n + 1} of {bench.rounds}")
                got = contender.shares(2 * bench.tcp_seconds + 4)
                worst.values.setdefault("sluice", []).append(max(got, key=lambda x: abs(x - 1)))
                all_of_them.values.setdefault("sluice", []).append(statistics.median(got))
        worst.beside(stage)
    bench.report.add(worst, ("sluice", None, 0.98), ("sluice", None, 1.02, False))
    bench.report.add(all_of_them)


# --- what a frame pays ---


def police(sluice, on):
    sluice.set("qos", "set", "in0", "--ingress-rate", "100gbit" if on else "unlimited")


def policer(bench):
    for hook in ("tc",) if bench.quick else ("tc", "xdp"):
        adds(bench, hook, "a policer", police, 12)
