# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured by `scripts/bench switch`: gateways that switch between in0, out0 and others."""

import re

from .contenders import Contender, Floor
from .generator import Flows
from .guarded import GuardedSluice, add_bridge

VLAN = 10
# The first MACs of the hosts behind in0 and out0; of one behind a trunk.
NEAR, FAR, TRUNK = "02:00:01:00:00:00", "02:00:02:00:00:00", "02:00:03:00:00:00"
BROADCAST = "ff:ff:ff:ff:ff:ff"


def flows_of(macs):
    """Half of the MACs are on either side; each sends to one on the other."""
    return Flows(macs // 2, mac=NEAR, macs=macs // 2)


def missing(flows, table):
    """How many of the flows' MACs a printed table has not."""
    known = set(re.findall("02:00:0[12](?::[0-9a-f]{2}){3}", table))
    return 2 * flows.macs - len(known)


class SwitchFloor(Floor):
    """A floor with the frames that switches get."""

    def __init__(self, gen, hook, macs):
        super().__init__(gen, hook)
        self.flows = flows_of(macs)

    def set_up(self, lab):
        lab.entrance = FAR
        super().set_up(lab)

    def unknown(self):
        return 0


class LinuxBridge(Contender):
    routes = False

    def __init__(self, macs):
        self.name, self.flows = f"linux bridge, {macs} MACs", flows_of(macs)

    def set_up(self, lab):
        lab.entrance = FAR
        self.join(lab, "in0", "out0")

    def join(self, lab, *ports):
        self.gateway = lab.gateway
        add_bridge(lab.gateway, *ports)

    def unknown(self):
        """How many of the flows' MACs it has not learned."""
        return missing(self.flows, self.gateway.run("bridge", "fdb", "show", "br", "br0"))


class SwitchingSluice(GuardedSluice):
    """All its ports are access ports of one VLAN. It counts no flows of what it switches, as those
    do not that it is compared with."""

    routes = False

    def __init__(self, binary, hook, macs):
        super().__init__(binary, hook, None)
        self.name, self.flows = f"sluice {hook}, {macs} MACs", flows_of(macs)

    def set_up(self, lab):
        lab.entrance = FAR
        self.join(lab, "in0", "out0")

    def join(self, lab, *ports):
        self.gateway = lab.gateway
        self.start(lab)
        for port in ports:
            self._sluice("port", "add", port, "--role", "access", "--vlan", VLAN,
                         "--hook", self.hook, "--flows", "routed")

    def unknown(self):
        return missing(self.flows, self._sluice("switch", "fdb", "list"))


class TaggingSluice(SwitchingSluice):
    """trunk0 is a trunk besides. Its hook is TC: native XDP can't see the tags of a veth."""

    def __init__(self, binary, hook):
        super().__init__(binary, hook, 2)

    def set_up(self, lab):
        lab.gateway.ip("link", "add", "trunk0", "type", "veth", "peer", "name", "far0")
        for end in ("trunk0", "far0"):
            lab.gateway.ip("link", "set", end, "up")
        # A veth takes XDP redirects if its other end has GRO on.
        lab.gateway.run("ethtool", "-K", "far0", "gro", "on")
        super().set_up(lab)
        self._sluice("port", "add", "trunk0", "--role", "trunk", "--vlans", VLAN, "--hook", "tc")
        for mac, port in ((NEAR, "in0"), (FAR, "out0"), (TRUNK, "trunk0")):
            self._sluice("switch", "fdb", "add", mac, "--vlan", VLAN, "--port", port)


class Way(Contender):
    """A frame's way through a TaggingSluice: from a port to a MAC, with a tag or without (0)."""

    def __init__(self, name, port, mac, to, vlan=0):
        self.name, self.port, self.to, self.vlan = name, port, to, vlan
        self.flows = Flows(1, hosts=1, mac=mac)


class Flooding(Contender):
    """Another switch with `copies` ports besides in0, a sink behind each."""

    def __init__(self, switch, name, gen, copies):
        self.switch, self.gen, self.copies = switch, gen, copies
        self.name = name
        self.not_run, self.close = switch.not_run, switch.close

    def set_up(self, lab):
        ends = {f"out{n}": f"s{n}" for n in range(self.copies)}
        for port, end in list(ends.items())[1:]:
            lab.gateway.ip("link", "add", port, "type", "veth", "peer", "name", end,
                           "netns", lab.server.name)
            lab.gateway.ip("link", "set", port, "up")
            lab.server.ip("link", "set", end, "up")
        self.sinks = [self.gen("--netns", lab.server.name, "sink", end, "--check", "0.0.0.0/0")["map"]
                      for end in ends.values()]
        lab.entrance = BROADCAST
        self.switch.join(lab, "in0", *ends)

    def delivered(self):
        """The generator's frames that left by each port."""
        seen = (self.gen("read", sink) for sink in self.sinks)
        return [one["packets"] - one["foreign"] for one in seen]
