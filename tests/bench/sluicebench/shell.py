# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands of the host, and network namespaces made from them."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path


class CommandFailed(RuntimeError):
    pass


def run(*command, env=None):
    """Standard output of a command that must succeed."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True,
                          env={**os.environ, **(env or {})})
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise CommandFailed(f"`{' '.join(words)}` ended with {done.returncode}: {said}")
    return done.stdout


class Namespace:
    """A network namespace; close() removes it and all that is in it."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        # Nothing but the measured packets: no router solicitations, no duplicate detection.
        self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
        self.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        self.ip("link", "set", "lo", "up")

    def close(self):
        run("ip", "netns", "del", self.name)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def run(self, *command):
        return run("ip", "netns", "exec", self.name, *command)

    def popen(self, *command):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *map(str, command)],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def sysctl(self, name, value):
        self.run("sysctl", "-qw", f"{name}={value}")

    def offload(self, interface, **features):
        """offload("eth0", gso="off")"""
        words = [word for item in features.items() for word in item]
        self.run("ethtool", "-K", interface, *words)


def kernel_has(option):
    """Whether the running kernel was built with it, in itself or as a module; True if it doesn't say."""
    config = Path("/proc/config.gz")
    if not config.exists():
        return True
    return any(line.startswith(f"{option}=") for line in
               gzip.decompress(config.read_bytes()).decode().splitlines())


def lacking(*tools):
    """Why what needs these tools can't run; None if they are there."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    return f"{' and '.join(missing)} not installed" if missing else None


def cpu_count():
    return os.cpu_count() or 1


def repository():
    return Path(__file__).resolve().parents[3]
