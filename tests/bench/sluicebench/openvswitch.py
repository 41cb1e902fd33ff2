# SPDX-License-Identifier: GPL-2.0-or-later
"""Open vSwitch in its userspace datapath, from Debian's packages, which scripts/setup unpacks: installed,
they would start a service. Its daemons run for one lab alone."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .shell import CommandFailed, lacking, run
from .switched import FAR, LinuxBridge, missing

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "sluice/openvswitch")
TOOLS = {name: CACHE / folder / name for folder, names in
         {"usr/bin": ("ovsdb-tool", "ovs-vsctl", "ovs-appctl"), "usr/sbin": ("ovsdb-server",),
          "usr/lib/openvswitch-switch": ("ovs-vswitchd",)}.items() for name in names}
SCHEMA = CACHE / "usr/share/openvswitch/vswitch.ovsschema"


class OpenVSwitch(LinuxBridge):
    """As a learning switch, which it is unless told otherwise. It reads and writes packet sockets."""

    in_kernel = False

    def __init__(self, macs):
        super().__init__(macs)
        self.name = f"Open vSwitch, userspace, {macs} MACs"
        self.folder, self.daemons = None, []

    def not_run(self):
        return lacking(*TOOLS.values())

    def set_up(self, lab):
        lab.entrance = FAR
        self.gateway = lab.gateway
        self.folder = tempfile.mkdtemp(prefix="sluice-bench-ovs-")
        run(TOOLS["ovsdb-tool"], "create", f"{self.folder}/conf.db", SCHEMA)
        self._start("ovsdb-server", f"--remote=punix:{self.folder}/db.sock", f"{self.folder}/conf.db")
        self._ctl("--no-wait", "init")
        self._start("ovs-vswitchd", "--disable-system", f"unix:{self.folder}/db.sock")
        self._ctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                  f"other-config:mac-table-size={4 * self.flows.macs}", "--",
                  "add-port", "br0", "in0", "--", "add-port", "br0", "out0")

    def _start(self, daemon, *words):
        self.daemons.append(subprocess.Popen(
            ["ip", "netns", "exec", self.gateway.name, TOOLS[daemon],
             f"--unixctl={self.folder}/{daemon}.ctl", *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "OVS_RUNDIR": self.folder, "OVS_LOGDIR": self.folder}))
        self._await(f"{self.folder}/{daemon}.ctl")

    @staticmethod
    def _await(socket):
        deadline = time.monotonic() + 5
        while True:
            try:
                return run(TOOLS["ovs-appctl"], "-t", socket, "version")
            except CommandFailed:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _ctl(self, *words):
        run(TOOLS["ovs-vsctl"], f"--db=unix:{self.folder}/db.sock", "--timeout=10", *words)

    def unknown(self):
        table = run(TOOLS["ovs-appctl"], "-t", f"{self.folder}/ovs-vswitchd.ctl", "fdb/show", "br0")
        return missing(self.flows, table)

    def close(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            daemon.wait()
        if self.folder:
            shutil.rmtree(self.folder)
