# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured by `scripts/bench qos`: gateways that hold the client at a rate."""

from .contenders import Contender, Sluice
from .shell import kernel_has, lacking

VOICE_PORT = 16400
WEIGHTS = {1: 6001, 2: 6002, 4: 6004}
PATIENCE = 0.020  # seconds that a queue holds
GSO_FRAME = 72_000


def queue_bytes(mbit):
    return max(2 * GSO_FRAME, int(mbit * 1e6 / 8 * PATIENCE))


def burst_bytes(mbit):
    return max(GSO_FRAME, int(mbit * 1e6 / 8 * 0.010))


def policed_burst(mbit):
    """As sluice's: without a queue less starves TCP."""
    return max(GSO_FRAME, int(mbit * 1e6 / 8 * 0.4))


class Shaped(Contender):
    """What the client gets (or, with `back` false, sends) is limited."""

    back = True

    def set_rate(self, mbit):
        raise NotImplementedError


class ShapingSluice(Shaped, Sluice):
    def __init__(self, binary, name="sluice", back=True, classes=()):
        Sluice.__init__(self, binary, "tc")
        self.name, self.back, self.classes = name, back, classes

    def set_up(self, lab):
        self.add_ports(lab)
        for words in self.classes:
            self._sluice("qos", "class", "add", *words)

    def set_rate(self, mbit):
        limited, free = ("egress", "ingress") if self.back else ("ingress", "egress")
        self._sluice("qos", "set", "in0", f"--{limited}-rate", f"{int(mbit * 1000)}kbit",
                     f"--{free}-rate", "unlimited")


class TcTbf(Shaped):
    name = "tc tbf"

    def set_up(self, lab):
        self.space = lab.gateway

    def set_rate(self, mbit):
        self.space.run("tc", "qdisc", "replace", "dev", "in0", "root", "tbf", "rate",
                       f"{int(mbit * 1000)}kbit", "burst", burst_bytes(mbit), "limit",
                       queue_bytes(mbit) + burst_bytes(mbit))


class NftLimit(Shaped):
    """Drops what the client sends above the rate."""

    name, back = "nft limit", False

    def not_run(self):
        return lacking("nft")

    def set_up(self, lab):
        self.space = lab.gateway
        self.space.run("nft", "add table ip rate")

    def set_rate(self, mbit):
        over = f"rate over {int(mbit * 125)} kbytes/second burst {policed_burst(mbit) // 1000} kbytes"
        self.space.run("nft", "flush table ip rate; table ip rate { chain forward { type filter hook "
                       f'forward priority 0; iifname "in0" limit {over} drop; }}; }}')


class TcPolice(Shaped):
    """Likewise, in tc."""

    name, back = "tc police", False

    def not_run(self):
        return None if kernel_has("CONFIG_NET_ACT_POLICE") else "no NET_ACT_POLICE in this kernel"

    def set_up(self, lab):
        self.space = lab.gateway
        self.space.run("tc", "qdisc", "add", "dev", "in0", "clsact")

    def set_rate(self, mbit):
        self.space.run("tc", "filter", "replace", "dev", "in0", "ingress", "prio", "1", "matchall",
                       "action", "police", "rate", f"{int(mbit * 1000)}kbit",
                       "burst", policed_burst(mbit), "conform-exceed", "drop")


class TcHtb(Shaped):
    """@param voice: a class of its own for VOICE_PORT, of a fifth of the rate"""

    def __init__(self, name="tc htb", voice=False):
        self.name, self.voice = name, voice

    def set_up(self, lab):
        self.space = lab.gateway
        self._tc("qdisc", "add", "dev", "in0", "root", "handle", "1:", "htb", "default", "10")

    def _tc(self, *words):
        self.space.run("tc", *words)

    def _class(self, parent, minor, mbit, ceil, prio):
        self._tc("class", "replace", "dev", "in0", "parent", parent, "classid", f"1:{minor}", "htb",
                 "rate", f"{int(mbit * 1000)}kbit", "ceil", f"{int(ceil * 1000)}kbit",
                 "burst", burst_bytes(ceil), "cburst", burst_bytes(ceil), "prio", prio,
                 "quantum", GSO_FRAME)

    def set_rate(self, mbit):
        self._class("1:", 1, mbit, mbit, 0)
        self._class("1:1", 10, 0.8 * mbit if self.voice else mbit, mbit, 7)
        self._tc("qdisc", "replace", "dev", "in0", "parent", "1:10", "bfifo", "limit",
                 queue_bytes(mbit))
        if self.voice:
            self._class("1:1", 20, 0.2 * mbit, 0.2 * mbit, 0)
            self._tc("filter", "replace", "dev", "in0", "parent", "1:", "prio", "1", "u32",
                     "match", "ip", "dport", VOICE_PORT, "0xffff", "flowid", "1:20")
