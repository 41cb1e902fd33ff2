#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion as a shell asks for it, with a sluice that answers what it is told to.

Environment: SLUICE_SHARE, what sluice-reference made.
"""
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

FOLDER = Path(os.environ["SLUICE_SHARE"]) / "completion"
ANSWERS = """#!/bin/sh
case "$*" in
"--json port list") echo '{"ports":[{"name":"tap0","vlans":[]},{"name":"eth0","vlans":[]}]}' ;;
"--instance lab --json port list") echo '{"ports":[{"name":"tap7"}]}' ;;
"--instance=lab --json port list") echo '{"ports":[{"name":"tap7"}]}' ;;
"--json mac list") echo '{"leases":[{"vm":"web1"},{"vm":"db1"},{"vm":"web1"}]}' ;;
"--json mac pool list") echo '{"pools":[{"name":"vms"},{"name":"a b;c"}]}' ;;
"drops --help") echo 'Usage: sluice drops [OPTIONS] [REASON...]' ;;
"flow list --help") echo 'Usage: sluice flow list [OPTIONS] [FILTER...]' ;;
*--help) echo 'Usage: sluice OBJECT ACTION [OPTIONS] IF' ;;
*) exit 3 ;;
esac
"""
CASES = {
    "sluice ver": {"version"},
    "sluice port ": {"add", "del", "set", "list", "show"},
    "sluice port add tap0 --role ": {"access", "trunk", "uplink", "internal"},
    "sluice port add tap0 --role u": {"uplink"},
    "sluice --json --instance lab port set ": {"tap7"},
    "sluice port show ": {"tap0", "eth0"},
    "sluice port set tap0 --ho": {"--hook"},
    "sluice nat masquerade add --source 10.0.0.0/24 --uplink e": {"eth0"},
    "sluice guard set tap0 --ra ": {"block", "allow"},
    "sluice mac release w": {"web1"},
    "sluice mac alloc --pool v": {"vms"},
    "sluice events --kind mac-m": {"mac-moved"},
    "sluice drops guard-dhcp-": {"guard-dhcp-server", "guard-dhcp-client", "guard-dhcp-rate"},
    "sluice --dry-": {"--dry-run"},
    "sluice up --max-flows ": set(),
}
# Behind a key bash is given what follows it, fish the whole word.
KEYS = {
    "sluice flow list sta": ("", {"state="}),
    "sluice flow list proto=tcp state=e": ("state=", {"established"}),
    "sluice nat session count nat=": ("nat=", {"snat", "dnat", "none"}),
    "sluice switch fdb list kind=s": ("kind=", {"static"}),
}
# What bash leaves to the script, and other shells do themselves.
BASH = {
    "sluice --instance ": {"lab"},
    "sluice --instance=l": {"lab"},
    "sluice --instance=lab port set ": {"tap7"},
    "sluice '--instance' \"lab\" port set ": {"tap7"},
    "sluice port add tap0 --role=a": {"access"},
    # A name is quoted as the line needs it.
    "sluice mac pool del ": {"vms", r"a\ b\;c"},
    r"sluice mac pool del a\ ": {r"a\ b\;c"},
    "sluice mac pool del 'a b": {"a b;c"},
    'sluice mac pool del "a': {"a b;c"},
    "sluice mac alloc --pool='a": {"a b;c"},
    # In quotes bash puts in the whole term, behind a key its value.
    "sluice flow list byte": {r"bytes\>"},
    "sluice flow list 'byte": {"bytes>"},
    "sluice flow list 'state=e": {"state=established"},
    "sluice flow list state='e": {"established"},
    "sluice flow list 'bytes>1mb' state=e": {"established"},
    "sluice qos class add web --match 'proto=tcp app=vo": {"proto=tcp app=voip"},
    # An operand is offered once, unless it may be given again.
    "sluice port show tap0 ": set(),
    "sluice port set --flows all ": {"tap0", "eth0"},
    "sluice port set --flows all tap0 ": set(),
    "sluice detect set syn-flood ": set(),
    "sluice drops guard-dhcp-rate guard-dhcp-": {"guard-dhcp-server", "guard-dhcp-client"},
    "sluice port show tap0 --js": {"--json"},
}


def installed(shell):
    return unittest.skipUnless(shutil.which(shell), f"{shell} is not installed")


class Completion(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        fake = Path(folder.name) / "sluice"
        fake.write_text(ANSWERS)
        fake.chmod(0o755)
        state = Path(folder.name) / "state"
        (state / "lab").mkdir(parents=True)
        self.environment = {
            "PATH": f"{folder.name}:/usr/bin:/bin", "HOME": folder.name, "LC_ALL": "C.UTF-8",
            "SLUICE_STATE_DIR": str(state),
        }

    def run_shell(self, *command):
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def bash(self, line):
        script = (
            f"compopt() {{ :; }}; . {FOLDER}/sluice.bash; COMP_LINE=$1 COMP_POINT=${{#1}}\n"
            '_sluice; ((${#COMPREPLY[@]} == 0)) || printf "%s\\n" "${COMPREPLY[@]}"'
        )
        return set(self.run_shell("bash", "-c", script, "bash", line))

    def fish(self, line):
        script = f"source {FOLDER}/sluice.fish; complete -C $argv[1]"
        return {it.split("\t")[0] for it in self.run_shell("fish", "-c", script, "--", line)}

    def test_bash(self):
        self.run_shell("bash", "-n", f"{FOLDER}/sluice.bash")
        for line, offered in CASES.items():
            self.assertEqual(self.bash(line), offered, line)
        for line, (_, offered) in KEYS.items():
            self.assertEqual(self.bash(line), offered, line)
        for line, offered in BASH.items():
            self.assertEqual(self.bash(line), offered, line)

    @installed("zsh")
    def test_zsh(self):
        self.run_shell("zsh", "-n", f"{FOLDER}/_sluice")

    @installed("fish")
    def test_fish(self):
        self.run_shell("fish", "--no-execute", f"{FOLDER}/sluice.fish")
        for line, offered in CASES.items():
            self.assertEqual(self.fish(line), offered, line)
        for line, (key, offered) in KEYS.items():
            self.assertLessEqual({key + it for it in offered}, self.fish(line), line)
        self.assertEqual(self.fish("sluice --instance "), {"lab"})


if __name__ == "__main__":
    unittest.main()
