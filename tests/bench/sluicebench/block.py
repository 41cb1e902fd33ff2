# SPDX-License-Identifier: GPL-2.0-or-later
"""`scripts/bench block`: how fast the block list drops, and what it costs who is not on it."""

from pathlib import Path

from .contenders import Contender
from .generator import Flows, Untrusted
from .guarded import DropFloor, GuardedSluice, Identity
from .report import Row
from .stage import UdpStage

SIZES = {"10 networks": 10, "10k networks": 10_000, "1M networks": 1_000_000}
HOOKS = ("xdp", "tc")
# Odd, so that no address comes twice; the listed ones are all over the address space.
FIRST, STRIDE = 0x01020304, 0x9E3779B1
LAB = ((0x0A000000, 8), (0xC6120000, 15))  # its networks
FORWARDED = {"1 flow": Flows(1, hosts=1), "1000 flows": Flows(1_000)}


def address(number):
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))


def listed(count):
    """Numbers of the first so many addresses."""
    return ((FIRST + n * STRIDE) & 0xFFFFFFFF for n in range(count))


def in_lab(number):
    return any((number ^ network) >> (32 - length) == 0 for network, length in LAB)


class BlockingSluice(GuardedSluice):
    """No guard; what is listed is chosen later."""

    def __init__(self, binary, hook):
        super().__init__(binary, hook, Identity.of(1))

    def set_up(self, lab):
        self.add_ports(lab)

    def block(self, count, sources):
        """A list of so many addresses, without those of the lab unless they are to be sources."""
        if not count:
            self._sluice("block", "clear")
            return
        path = Path(self.state, "list")
        path.write_text("".join(f"{address(number)}\n" for number in listed(count)
                                if sources or not in_lab(number)))
        self._sluice("block", "load", path)


class Listed(Contender):
    """One of the lists that an instance is given in turn."""

    def __init__(self, name, sluice, count, senders=0):
        self.name, self.sluice, self.count, self.senders = name, sluice, count, senders

    def apply(self):
        self.sluice.block(self.count, bool(self.senders))

    def flows(self):
        """From listed sources."""
        return Flows(self.senders, hosts=self.senders, ports="1024", source=address(FIRST),
                     stride=STRIDE)


def run(bench):
    drops(bench)
    if bench.brief:
        return
    forwarded = [*FORWARDED.items()]
    for hook in HOOKS:
        for name, flows in forwarded[-1:] if bench.quick else forwarded:
            cost(bench, hook, name, flows)


def check(setting, traffic):
    """What is listed is dropped, each frame of it for that."""
    setting.apply()
    before = setting.sluice.refused("blocked")
    traffic.send_refused(setting.flows(), "--packets", 10_000)
    if (counted := setting.sluice.refused("blocked") - before) != 10_000:
        raise Untrusted(f"{counted} of 10000 frames are counted as blocked")


def drops(bench):
    """Sources are drawn from all that is listed; and, of the longest list, from a thousand."""
    sluice = BlockingSluice(bench.sluice, "xdp")
    settings = [Listed(name, sluice, count, senders=count) for name, count in SIZES.items()]
    settings.append(Listed("1M networks, 1000 of them send", sluice, 1_000_000, senders=1_000))
    for setting in settings[1:2] if bench.brief else settings:
        floor = DropFloor(bench.gen)
        with UdpStage(bench, [floor, sluice]) as stage:
            stage.share(sluice, [setting])

            def once(contender, lab, n):
                return 1e-6 * stage.traffic[lab].send_refused(
                    setting.flows(), "--random", "--seed", bench.seed + n, "--duration",
                    f"{bench.milliseconds}ms")

            def check_listed(contender, lab):
                if contender is setting:
                    check(setting, stage.traffic[lab])

            row = Row(f"frames from listed sources dropped, {setting.name}", "Mpps",
                      floors={setting.name: floor.name})
            bench.report.add(stage.measure(row, check_listed, once),
                             (setting.name, floor.name, 0.85))


def cost(bench, hook, name, flows):
    """One instance, one program, one frame that is not listed; the list changes."""
    times, added = Row(f"forwarding program, {hook}, {name}", "ns"), \
        Row(f"block list adds, {hook}, {name}", "ns")
    sluice = BlockingSluice(bench.sluice, hook)
    bare = Listed("no list", sluice, 0)
    settings = [Listed(size, sluice, count) for size, count in SIZES.items()]
    with UdpStage(bench, [sluice]) as stage:
        stage.share(sluice, [bare, *settings])

        def check_forwarding(setting, lab):
            setting.apply()
            stage.traffic[lab].check(sluice, flows)

        def once(setting, lab, n):
            setting.apply()
            return stage.traffic[lab].nanoseconds(flows, hook, sluice.program())

        stage.measure(times, check_forwarding, once)
    for setting in settings:
        values = zip(times.values.get(setting.name, ()), times.values.get(bare.name, ()))
        added.values[setting.name] = [blocking - free for blocking, free in values]
    bench.report.add(times)
    bench.report.add(added)
