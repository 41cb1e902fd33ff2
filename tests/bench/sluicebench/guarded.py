# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured by `scripts/bench guard`: gateways that let in frames of in0 by their source
alone. All route to out0 without translating, but for the one that is a mere bridge."""

import json
from dataclasses import dataclass
from pathlib import Path

from .contenders import Contender, Nftables, Sluice
from .lab import FIRST_HOST, MACS


@dataclass(frozen=True)
class Identity:
    """The MACs and addresses that may come from in0, the generator's first."""

    macs: list
    addresses: list

    @classmethod
    def of(cls, count):
        network = FIRST_HOST.removesuffix(".0")
        return cls([MACS["c0"], *(f"02:00:00:00:01:{n:02x}" for n in range(1, count))],
                   [f"{network}.{n}" for n in range(count)])


class Guarded(Contender):
    """Lets in what comes from the MACs and addresses of in0."""

    counts = False  # its drops, by reason
    refuses = ("guard-mac", "guard-ip")

    def refused(self, reason):
        return 0


class DropFloor(Contender):
    """A program that only drops."""

    name = "xdp drop floor"

    def __init__(self, gen):
        self.gen = gen

    def set_up(self, lab):
        self.gen.drop_floor(lab.gateway.name, "in0")


class GuardedSluice(Sluice, Guarded):
    translates = False
    counts = True

    def __init__(self, binary, hook, identity):
        super().__init__(binary, hook)
        self.identity = identity

    def set_up(self, lab):
        self.add_ports(lab)
        self.guard(self.identity)

    def guard(self, identity):
        """None takes the guard away."""
        if identity:
            self._sluice("guard", "set", "in0", "--macs", ",".join(identity.macs) or "none",
                         "--address", ",".join(identity.addresses))
        else:
            self._sluice("guard", "del", "in0")

    def refused(self, reason):
        """Packets dropped for it so far."""
        drops = json.loads(self._sluice("--json", "drops"))["drops"]
        return sum(drop["packets"] for drop in drops if drop["reason"] == reason)


class LeasedSluice(GuardedSluice):
    """in0 has its MAC by a lease; there are many others, and other ports."""

    def __init__(self, binary, hook, leases, ports):
        super().__init__(binary, hook, Identity([], Identity.of(1).addresses))
        self.leases, self.ports = leases, ports
        self.name = f"{self.name}, {leases} leases on {ports} ports"

    def set_up(self, lab):
        super().set_up(lab)
        # Veths come in pairs, in0 and out0 are there.
        for n in range(2, self.ports, 2):
            self.gateway.ip("link", "add", f"p{n}", "type", "veth", "peer", "name", f"p{n + 1}")
        for n in range(2, self.ports):
            self._sluice("port", "add", f"p{n}", "--role", "access", "--hook", "tc")
        self._sluice("mac", "bind", MACS["c0"], "--vm", "generator", "--port", "in0")
        if self.leases > 1:
            self._lease_others()

    def _lease_others(self):
        self._sluice("mac", "pool", "add", "others", "--prefix", "52:54:00")
        batch = Path(self.state, "batch")
        batch.write_text("".join(f"vm{n}\n" for n in range(1, self.leases)))
        self._sluice("mac", "alloc", "--pool", "others", "--batch", batch)


RULES = """
table {family} guard {{
    set macs {{ type ether_addr; elements = {{ {macs} }} }}
    set addresses {{ type ipv4_addr; elements = {{ {addresses} }} }}
    chain from_ip {{
        ip saddr != {address} drop
        udp sport 67 drop
        accept
    }}
    chain from_arp {{
        arp saddr ether != {mac} drop
        arp saddr ip != {address} drop
        accept
    }}
    chain guard {{
        ether saddr != {mac} drop
        ether type vmap {{ ip : goto from_ip, arp : goto from_arp }}
        drop
    }}
    chain enter {{
        type filter hook {hook}
        {match} goto guard
    }}
}}
"""


class GuardedNftables(Nftables, Guarded):
    """The same checks of source MAC, source address, ARP, ethertype and DHCP servers as rules."""

    translates = False
    family, hook, match = "bridge", "prerouting priority -300;", 'iif "in0"'

    def __init__(self, identity):
        super().__init__()
        self.identity = identity

    def set_up(self, lab):
        self.space = lab.gateway
        self.join(lab)
        self.space.run("nft", self.rules())

    def join(self, lab):
        """in0 behind a bridge, which has the address instead."""
        space = lab.gateway
        add_bridge(space, "in0")
        space.ip("address", "del", "10.0.0.1/16", "dev", "in0")
        space.ip("address", "add", "10.0.0.1/16", "dev", "br0")
        space.ip("neighbour", "replace", "10.0.0.2", "lladdr", MACS["c0"], "dev", "br0",
                 "nud", "permanent")

    def rules(self):
        """One MAC and one address are compared; more are looked up in sets."""
        macs, addresses = self.identity.macs, self.identity.addresses
        return RULES.format(
            family=self.family, hook=self.hook, match=self.match,
            macs=", ".join(macs), addresses=", ".join(addresses),
            mac=macs[0] if len(macs) == 1 else "@macs",
            address=addresses[0] if len(addresses) == 1 else "@addresses")


class NetdevNftables(GuardedNftables):
    """Without a bridge: the rules at in0's ingress hook."""

    name = "nftables netdev"
    family, hook, match = "netdev", 'ingress device "in0" priority 0;', ""

    def join(self, lab):
        pass


class SwitchedNftables(GuardedNftables):
    """Less of a job: a bridge of in0 and out0, nothing is routed."""

    name = "nftables, bridge alone"
    routes = False

    def join(self, lab):
        add_bridge(lab.gateway, "in0", "out0")
        lab.entrance = MACS["s0"]


def add_bridge(space, *ports):
    space.ip("link", "add", "br0", "address", MACS["in0"], "type", "bridge",
             "mcast_snooping", "0")
    for port in ports:
        space.ip("link", "set", port, "master", "br0")
    space.ip("link", "set", "br0", "up")
    # Frames go through the bridge's own rules alone, not through iptables' as well.
    space.sysctl("net.bridge.bridge-nf-call-iptables", 0)
