# SPDX-License-Identifier: GPL-2.0-or-later
"""Other MAC filters, measured by `scripts/bench guard` beside nftables."""

from .guarded import GuardedNftables
from .shell import lacking, run


class Ebtables(GuardedNftables):
    """The checks of the nftables contender that ebtables can make, on the same bridge."""

    name = "ebtables"

    def not_run(self):
        return lacking("ebtables-nft")

    def set_up(self, lab):
        self.space = lab.gateway
        self.join(lab)
        self._run("-N", "guard", "-P", "DROP")
        for mac in self.identity.macs:
            for address in self.identity.addresses if len(self.identity.macs) == 1 else ["10.0.1.0/24"]:
                self._run("-A", "guard", "-s", mac, "-p", "IPv4", "--ip-source", address, "-j", "ACCEPT")
            self._run("-A", "guard", "-s", mac, "-p", "ARP", "--arp-mac-src", mac, "-j", "ACCEPT")
        self._run("-A", "INPUT", "-i", "in0", "-j", "guard")
        self._run("-A", "FORWARD", "-i", "in0", "-j", "guard")

    def _run(self, *words):
        self.space.run("ebtables-nft", *words)


class XdpFilter(GuardedNftables):
    """xdp-tools' filter, which knows lists of MACs that may enter, and nothing of addresses behind
    them; what it lets in the kernel forwards."""

    name = "xdp-filter"
    refuses = ("guard-mac",)
    loaded = False

    def not_run(self):
        return lacking("xdp-filter")

    def set_up(self, lab):
        self.space, self.loaded = lab.gateway, True
        self._run("load", "in0", "--mode", "native", "--policy", "deny", "--features", "ethernet")
        for mac in self.identity.macs:
            self._run("ether", mac, "--mode", "src")

    def _run(self, *words):
        """In the network namespace alone: it pins its maps in the host's bpffs."""
        run("nsenter", f"--net=/run/netns/{self.space.name}", "xdp-filter", *words)

    def close(self):
        if self.loaded:
            self._run("unload", "in0")
