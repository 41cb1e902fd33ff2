# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends each of a hundred VMs twice its rate by UDP. fan.py SECONDS"""

import heapq
import socket
import sys
import time

VMS = 100
UDP_SEGMENT = 103  # linux/udp.h
SEGMENT, SEGMENTS = 1472, 4
DISCARD = 9


def vm_rate(number):
    """Bit/s: 1.1 Mbit/s, 1.2 Mbit/s, ... 11 Mbit/s."""
    return 1_000_000 + 100_000 * number


def send(seconds):
    """In bursts that the kernel cuts up."""
    due = []
    for number in range(1, VMS + 1):
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.setsockopt(socket.SOL_UDP, UDP_SEGMENT, SEGMENT)
        end.connect((f"10.1.{number}.2", DISCARD))
        gap = SEGMENTS * (SEGMENT + 42) * 8 / vm_rate(number) / 2
        due.append((time.monotonic() + gap * number / VMS, number, gap, end))
    heapq.heapify(due)
    data, deadline = bytes(SEGMENTS * SEGMENT), time.monotonic() + seconds
    while (now := time.monotonic()) < deadline:
        when, number, gap, end = due[0]
        if when > now:
            time.sleep(min(when - now, 0.001))
            continue
        try:
            end.send(data)
        except ConnectionRefusedError:  # nobody listens: the interface counts
            pass
        heapq.heapreplace(due, (when + gap, number, gap, end))


if __name__ == "__main__":
    send(float(sys.argv[1]))
