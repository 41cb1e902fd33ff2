# SPDX-License-Identifier: GPL-2.0-or-later
"""Sends datagrams at a rate of any height: pour.py HOST MBIT SECONDS SIZE, SIZE: of the payload."""

import socket
import sys
import time

UDP_SEGMENT = 103  # linux/udp.h
HEADERS = 14 + 20 + 8
DISCARD = 9


def pour(host, mbit, seconds, size):
    """In frames that the kernel cuts up, as iperf3 does not: it is too slow for some rates."""
    segments = max(1, 60_000 // size)
    gap = segments * (size + HEADERS) * 8 / (mbit * 1e6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.setsockopt(socket.SOL_UDP, UDP_SEGMENT, size)
        end.connect((host, DISCARD))
        data, start, sent = bytes(segments * size), time.monotonic(), 0
        while (passed := time.monotonic() - start) < seconds:
            if passed < sent * gap:
                time.sleep(min(sent * gap - passed, 0.001))
                continue
            try:
                end.send(data)
            except ConnectionRefusedError:  # nobody listens: the interface counts
                pass
            sent += 1


if __name__ == "__main__":
    pour(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
