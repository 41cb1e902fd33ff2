# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is measured. A contender makes a lab's gateway forward from in0 to out0."""

import json
import shutil
import tempfile
import time
from pathlib import Path

from .lab import INSIDE
from .shell import lacking, run

# Addresses routed to the gateway that are nobody's own: all their ports may be used.
EXTERNALS = [f"198.18.1.{n}" for n in range(1, 17)]


class Contender:
    name = ""
    translates = False  # hides the client's address
    routes = True       # decrements the TTL
    in_kernel = True    # all of the way is done before the next batch is sent, so nothing is lost

    def not_run(self):
        """Why it can't run here; None if it can."""
        return None

    def set_up(self, lab):
        pass

    def forget(self):
        """Ends all sessions."""

    def close(self):
        pass


class Floor(Contender):
    """A program that only redirects."""

    routes = False

    def __init__(self, gen, hook):
        self.name = f"{hook} floor"
        self.gen, self.hook = gen, hook

    def set_up(self, lab):
        self.gen.floor(lab.gateway.name, self.hook, "in0", "out0")


class Forwarding(Contender):
    name = "kernel forwarding"


class Nftables(Contender):
    name = "nftables"
    translates = True

    def not_run(self):
        return lacking("nft", "conntrack")

    def __init__(self, ports=None):
        self.ports = ports  # of its address, that are used; None = as the kernel likes

    def set_up(self, lab):
        self.space = lab.gateway
        self.masquerade()
        # One-way flows must live as long as sluice's do (RFC 4787 REQ-5).
        self.space.sysctl("net.netfilter.nf_conntrack_udp_timeout", 300)

    def masquerade(self):
        match = f'ip saddr {INSIDE} oifname "out0"'
        ports = f" to :{self.ports}" if self.ports else ""
        for rule in ("add table ip nat",
                     "add chain ip nat post { type nat hook postrouting priority srcnat; }",
                     f"add rule ip nat post {match} {'meta l4proto udp ' if ports else ''}"
                     f"masquerade{ports}"):
            self.space.run("nft", rule)

    def forget(self):
        self.space.run("conntrack", "-F")


class Iptables(Nftables):
    """The command of old over nftables, as Debian has it."""

    name = "iptables"

    def not_run(self):
        return lacking("iptables-nft", "conntrack")

    def masquerade(self):
        ports = ["--to-ports", self.ports] if self.ports else []
        self.space.run("iptables-nft", "-t", "nat", "-A", "POSTROUTING", "-s", INSIDE,
                       *(["-p", "udp"] if ports else []), "-o", "out0", "-j", "MASQUERADE", *ports)


class Sluice(Contender):
    translates = True

    def __init__(self, binary, hook, externals=(), max_flows="1m", max_bindings=300_000,
                 ports="1024-65535"):
        self.name = f"sluice {hook}"
        self.binary, self.hook = binary, hook
        self.max_flows, self.max_bindings = max_flows, max_bindings
        self.externals, self.ports = externals, ports
        self.instance, self.state, self.is_up = None, None, False

    def not_run(self):
        return None if Path(self.binary).exists() else f"{self.binary} is not built"

    def set_up(self, lab):
        self.add_ports(lab)
        addresses = [word for external in self.externals for word in ("--address", external)]
        self._sluice("nat", "masquerade", "add", "--source", INSIDE, "--uplink", "out0",
                     "--ports", self.ports, *addresses)

    def add_ports(self, lab):
        self.start(lab)
        self._sluice("port", "add", "in0", "--role", "access", "--hook", self.hook)
        self._sluice("port", "add", "out0", "--role", "uplink", "--hook", self.hook)

    def start(self, lab):
        self.instance, self.gateway = lab.name, lab.gateway
        self.state = tempfile.mkdtemp(prefix="sluice-bench-")
        self._sluice("--netns", lab.gateway.name, "up", *self.share(),
                     "--max-flows", self.max_flows, "--max-bindings", self.max_bindings)
        self.is_up = True

    def share(self):
        """One host fills the whole table here, which its share would refuse."""
        return "--host-share", "off"

    def close(self):
        if self.is_up:
            self._sluice("down", "--purge")
        if self.state:
            shutil.rmtree(self.state)

    def forget(self):
        self._sluice("nat", "session", "flush")
        deadline = time.monotonic() + 30
        while self.sessions():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: sessions are still there 30 s after a flush")
            time.sleep(0.2)

    def sessions(self):
        return json.loads(self._sluice("--json", "nat", "session", "count"))["sessions"]

    def program(self):
        """Id of the program at in0's hook."""
        if self.hook == "xdp":
            return json.loads(self.gateway.ip("-j", "link", "show", "in0"))[0]["xdp"]["prog"]["id"]
        pin = f"/sys/fs/bpf/sluice/{self.instance}/progs/tc_ingress"
        return json.loads(run("bpftool", "-j", "prog", "show", "pinned", pin))["id"]

    def set(self, *words):
        """Configures it while it runs."""
        return self._sluice(*words)

    def memory(self):
        """Bytes of kernel memory of all its maps."""
        pins = Path("/sys/fs/bpf/sluice", self.instance, "maps").iterdir()
        return sum(json.loads(run("bpftool", "-j", "map", "show", "pinned", pin))["bytes_memlock"]
                   for pin in pins)

    def _sluice(self, *words):
        return run(self.binary, "--instance", self.instance, *words,
                   env={"SLUICE_STATE_DIR": self.state})
