#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hostile_scrape.py ADDRESS PORT: clients of `sluice serve` that mean it no good, until it is killed:
a body of 400 MB, headers without end, requests that never end, answers that nobody takes."""
import socket
import sys
import threading
import time

SERVER = (sys.argv[1], int(sys.argv[2]))


def connected():
    return socket.create_connection(SERVER, timeout=60)


def floods(head, part):
    """Sends without end, as fast as it goes; begins anew when it is cut off."""
    while True:
        try:
            with connected() as client:
                client.sendall(head)
                while True:
                    client.sendall(part)
        except OSError:
            time.sleep(0.01)


def trickles(head, part=b""):
    """A byte now and then, or nothing at all: of a hundred connections at once."""
    while True:
        clients = []
        try:
            for _ in range(100):
                clients.append(connected())
                clients[-1].sendall(head)
            while True:
                time.sleep(0.5)
                for client in clients:
                    client.sendall(part)
        except OSError:
            time.sleep(0.1)
        for client in clients:
            client.close()


threads = [
    threading.Thread(target=floods, daemon=True, args=(
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 400000000\r\n\r\n", b"x" * 65536)),
    threading.Thread(target=floods, daemon=True, args=(
        b"GET /metrics HTTP/1.1\r\n", b"X-More: and more\r\n" * 1000)),
    threading.Thread(target=trickles, daemon=True, args=(b"GET /metrics HTTP/1.1\r\nX: ", b"x")),
    threading.Thread(target=trickles, daemon=True, args=(b"",)),
    threading.Thread(target=trickles, daemon=True, args=(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",)),
]
for thread in threads:
    thread.start()
time.sleep(1)
print("ready", flush=True)
time.sleep(600)
