# SPDX-License-Identifier: GPL-2.0-or-later
"""Room for the kernel's connection tracking, which has one limit and one table size for the whole host;
and what memory its sessions take."""

import contextlib
from pathlib import Path

LIMIT = Path("/proc/sys/net/netfilter/nf_conntrack_max")
BUCKETS = Path("/sys/module/nf_conntrack/parameters/hashsize")


@contextlib.contextmanager
def room_for(sessions):
    """As one who expects so many would set it: a bucket for each. Set back afterwards."""
    before = {path: path.read_text() for path in (LIMIT, BUCKETS) if path.exists()}
    try:
        for path, value in before.items():
            if int(value) < sessions:
                path.write_text(str(sessions))
        yield
    finally:
        for path, value in before.items():
            path.write_text(value)


def slab_bytes():
    """Of all the kernel's objects that can't be reclaimed: sessions are of them."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("SUnreclaim:"))


def table_bytes():
    """Of the hash tables of sessions and of their translations."""
    return 2 * 8 * int(BUCKETS.read_text())
