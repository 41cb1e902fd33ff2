# SPDX-License-Identifier: GPL-2.0-or-later
"""UDP round trips. echo.py serve PORT | echo.py ask HOST PORT SECONDS: their percentiles in us, as
JSON. A datagram has the size of one of G.711 voice, 20 ms of it."""

import json
import socket
import sys
import time

VOICE = b"v" * 172


def serve(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("", port))
        while True:
            data, asker = end.recvfrom(2048)
            end.sendto(data, asker)


def ask(host, port, seconds):
    trips, lost = [], 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.connect((host, port))
        end.settimeout(0.5)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            start = time.perf_counter()
            end.send(VOICE)
            try:
                end.recv(2048)
                trips.append(1e6 * (time.perf_counter() - start))
            except (TimeoutError, ConnectionRefusedError):
                lost += 1
            time.sleep(0.004)
    trips.sort()
    return {"p50": trips[len(trips) // 2], "p99": trips[len(trips) * 99 // 100], "lost": lost}


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    print(json.dumps(ask(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))))
