#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A flood of frames that are told apart by what they carry, and who sees which of them arrive.

deluge.py send IF GATEWAY-MAC SOURCE KIND...   without end, by the interface of that name, also when it is another by now
deluge.py watch IF INSIDE FILE                 keeps FILE up to date: counts of kinds, as JSON
"""

import ipaddress
import json
import os
import socket
import struct
import sys
import time

PAUSE = 0.001
BURST = 8
SERVER4, SERVER6 = "203.0.113.9", "2001:db8::9"
# KIND: source (None: the sender's own), destination, port. What no kind but `right` may ever do is arrive.
KINDS = {
    "right": (None, SERVER4, 7777),
    "spoofed": ("10.77.66.66", SERVER4, 7777),
    "spoofed6": ("fd77:0:0:66::66", SERVER6, 7777),
    "denied": (None, "10.77.2.12", 9),
    "outside": (None, "192.168.50.2", 161),
    "blocked": ("198.51.100.66", "203.0.113.1", 7777),
}


def checksum(data):
    data += b"\0" * (len(data) & 1)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, destination, port, carries):
    source, destination = map(ipaddress.ip_address, (source, destination))
    udp = struct.pack("!HHHH", 5000, port, 8 + len(carries), 0) + carries
    pseudo = source.packed + destination.packed + struct.pack("!HBBH", 0, 0, socket.IPPROTO_UDP, len(udp))
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xffff) + udp[8:]
    if source.version == 6:
        return 0x86dd, struct.pack("!IHBB", 6 << 28, len(udp), socket.IPPROTO_UDP, 64) + source.packed + \
            destination.packed + udp
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0) + source.packed + \
        destination.packed
    return 0x800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def send(interface, gateway, own, *kinds):
    gateway = bytes.fromhex(gateway.replace(":", ""))
    while True:
        try:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
                wire.bind((interface, 0))
                mac = wire.getsockname()[4]
                frames = []
                for kind in kinds:
                    source, destination, port = KINDS[kind]
                    ethertype, content = packet(source or own, destination, port, f"DELUGE {kind} ".encode())
                    frames.append(gateway + mac + struct.pack("!H", ethertype) + content)
                while True:
                    for frame in frames * BURST:
                        wire.send(frame)
                    time.sleep(PAUSE)
        except OSError:  # it is away, or down, or its queue is full
            time.sleep(PAUSE)


def tell(path, counts):
    with open(path + ".new", "w", encoding="ascii") as file:
        json.dump(counts, file)
    os.rename(path + ".new", path)


def watch(interface, inside, path):
    """What is `right` but has its source in INSIDE has left untranslated."""
    inside = ipaddress.ip_network(inside)
    counts = {kind: 0 for kind in ("untranslated", *KINDS)}
    told = 0
    while True:
        try:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
                wire.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
                wire.bind((interface, 3))
                wire.settimeout(0.02)
                while True:
                    told = look(wire, inside, counts, path, told)
        except OSError:
            time.sleep(PAUSE)


def look(wire, inside, counts, path, told):
    if time.monotonic() - told > 0.02:
        tell(path, counts)
        told = time.monotonic()
    try:
        frame, address = wire.recvfrom(2000)
    except TimeoutError:
        return told
    at = frame.find(b"DELUGE ")
    if address[2] == socket.PACKET_OUTGOING or at < 0:
        return told
    kind = frame[at:].split()[1].decode()
    if kind == "right" and ipaddress.ip_address(frame[26:30]) in inside:
        kind = "untranslated"
    counts[kind] += 1
    return told


if __name__ == "__main__":
    {"send": send, "watch": watch}[sys.argv[1]](*sys.argv[2:])
