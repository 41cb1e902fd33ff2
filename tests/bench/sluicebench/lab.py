# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab: client - gateway - server, one of its own for each contender, so that contenders
alternate without anything being configured between two rounds.

    client            gateway                server
    c0 10.0.0.2 ----- in0 10.0.0.1
                      out0 198.18.0.1 ------ s0 198.18.0.2, and what is behind it

Private hosts are in 10.0.0.0/16, remotes in 198.19.0.0/16 behind the server (both of the
benchmarking range of RFC 2544, appendix C.2.2); 198.18.1.0/24 is routed to the gateway.
"""

from .shell import Namespace

INSIDE = "10.0.0.0/16"
FIRST_HOST = "10.0.1.0"
FIRST_REMOTE = "198.19.0.1"
SERVER = "198.18.0.2"
ROUTED = "198.18.1.0/24"

MACS = {"c0": "02:00:00:00:00:01", "in0": "02:00:00:00:00:02",
        "out0": "02:00:00:00:00:03", "s0": "02:00:00:00:00:04"}


class Lab:
    def __init__(self, name):
        self.name = name
        self.spaces = []
        self.entrance = MACS["in0"]  # where frames are sent to, unless the gateway is a mere bridge
        try:
            self.client = self._space("client")
            self.gateway = self._space("gateway")
            self.server = self._space("server")
            self._link(self.client, "c0", "10.0.0.2/16", self.gateway, "in0", "10.0.0.1/16")
            self._link(self.gateway, "out0", "198.18.0.1/24", self.server, "s0", "198.18.0.2/24")
            self._route()
        except BaseException:
            self.close()
            raise

    def close(self):
        while self.spaces:
            self.spaces.pop().close()

    def _space(self, part):
        space = Namespace(f"{self.name}-{part}")
        self.spaces.append(space)
        return space

    def _link(self, left, left_if, left_addr, right, right_if, right_addr):
        left.ip("link", "add", left_if, "address", MACS[left_if], "type", "veth",
                "peer", "name", right_if, "address", MACS[right_if], "netns", right.name)
        for space, interface, address in ((left, left_if, left_addr), (right, right_if, right_addr)):
            space.ip("address", "add", address, "dev", interface)
            space.ip("link", "set", interface, "up")
        # Known for good: the ends swallow packets instead of answering ARP.
        self._know(left, left_if, right_addr, right_if)
        self._know(right, right_if, left_addr, left_if)

    @staticmethod
    def _know(space, interface, address, neighbour):
        space.ip("neighbour", "replace", address.split("/")[0], "lladdr", MACS[neighbour],
                 "dev", interface, "nud", "permanent")

    def _route(self):
        self.client.ip("route", "add", "default", "via", "10.0.0.1")
        self.gateway.ip("route", "add", "default", "via", SERVER)
        self.server.ip("route", "add", INSIDE, "via", "198.18.0.1")
        self.server.ip("route", "add", ROUTED, "via", "198.18.0.1")
        self.gateway.sysctl("net.ipv4.ip_forward", 1)
