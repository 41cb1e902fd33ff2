#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients and servers for the end-to-end tests: what they send is random and compared to the byte."""

import argparse
import errno
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

TIMEOUT = 3.0
IP_RECVTTL = 12  # the socket module has no name for it


def family_of(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def say(*words):
    print(*words, flush=True)


def plain(address):
    return address.removeprefix("::ffff:")


# --- serve: echoes TCP and UDP, and tells whom it sees ---


def echo_stream(connection, peer):
    say("tcp", plain(peer[0]), peer[1])
    with connection:
        try:
            while data := connection.recv(1 << 20):
                connection.sendall(data)
        except OSError as error:
            say("tcp", plain(peer[0]), peer[1], "failed:", error)


def hops_left(ancillary):
    for _, kind, data in ancillary:
        if kind in (socket.IP_TTL, socket.IPV6_HOPLIMIT):
            return struct.unpack("i", data)[0]
    return None


def from_same_address(ancillary):
    """The answer leaves from the address that was asked (struct in6_pktinfo, any interface)."""
    return [(level, kind, data[:16] + bytes(4))
            for level, kind, data in ancillary if kind == socket.IPV6_PKTINFO]


def echo_datagrams(server):
    seen = set()
    while True:
        data, ancillary, _, peer = server.recvmsg(65536, 256)
        if peer not in seen:
            seen.add(peer)
            say("udp", plain(peer[0]), peer[1], "ttl", hops_left(ancillary))
        server.sendmsg([data], from_same_address(ancillary), 0, peer)


def serve(given):
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    datagrams.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
    datagrams.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    datagrams.bind(("::", given.port))
    threading.Thread(target=echo_datagrams, args=(datagrams,), daemon=True).start()
    with socket.create_server(("::", given.port), family=socket.AF_INET6, dualstack_ipv6=True,
                              backlog=1024) as server:
        while True:
            threading.Thread(target=echo_stream, args=server.accept(), daemon=True).start()


# --- exchange: sends every length in turn and wants each back ---


def lengths_of(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def connect(given, timeout=TIMEOUT):
    kind = socket.SOCK_STREAM if given.proto == "tcp" else socket.SOCK_DGRAM
    client = socket.socket(family_of(given.host), kind)
    client.settimeout(timeout)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if given.from_port:
        client.bind(("", given.from_port))
    client.connect((given.host, given.port))
    if given.proto == "tcp":
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def receive(client, length):
    data = b""
    while len(data) < length:
        part = client.recv(length - len(data) if client.type == socket.SOCK_STREAM else 65536)
        if not part:
            break
        data += part
    return data


def exchange(given):
    count = 0
    with connect(given) as client:
        if given.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for length in lengths_of(given.lengths):
            sent = os.urandom(length)
            client.sendall(sent)
            try:
                got = receive(client, length)
            except TimeoutError:
                sys.exit(f"no answer to {length} bytes by {given.proto} within {TIMEOUT} s")
            if got != sent:
                sys.exit(f"{length} bytes by {given.proto} came back changed: "
                         f"expected {sent.hex()[:120]}, got {got.hex()[:120]}")
            count += 1
    say(count)


# --- knock: who answers there, and how? ---


def knock(given):
    """open, refused (RST or port unreachable), prohibited (ICMP), or silent."""
    try:
        with connect(given, timeout=1) as client:
            if given.proto == "udp":
                client.send(b"knock")
                client.recv(65536)
            say("open")
    except ConnectionRefusedError:
        say("refused")
    except TimeoutError:
        say("silent")
    except OSError as error:
        say("prohibited" if error.errno in (errno.EHOSTUNREACH, errno.EACCES) else error)


# --- hold: a connection that says something ten times a second; when did the last answer come? ---


def hold(given):
    given.proto = "tcp"
    start = time.monotonic()
    last = start
    with connect(given) as client:
        client.settimeout(given.seconds)
        say("held")
        try:
            while (left := start + given.seconds - time.monotonic()) > 0:
                client.settimeout(left)
                client.sendall(b"hold")
                if receive(client, 4) != b"hold":
                    break
                last = time.monotonic()
                time.sleep(0.1)
        except OSError:
            pass
    say(json.dumps({"lasted_ms": round((last - start) * 1000)}))


# --- bulk: sends much and receives it back at the same time ---


def send_bulk(client, size, digest):
    block = os.urandom(1 << 20)
    while size > 0:
        part = block[:size]
        client.sendall(part)
        digest.update(part)
        size -= len(part)
    client.shutdown(socket.SHUT_WR)


def bulk(given):
    given.proto = "tcp"
    sent, got = hashlib.sha256(), hashlib.sha256()
    with connect(given) as client:
        sender = threading.Thread(target=send_bulk, args=(client, given.bytes, sent))
        sender.start()
        while data := client.recv(1 << 20):
            got.update(data)
        sender.join()
    if sent.digest() != got.digest():
        sys.exit(f"{given.bytes} bytes came back changed: sha256 expected {sent.hexdigest()}, "
                 f"got {got.hexdigest()}")
    say(got.hexdigest())


# --- digest: what one client sends ---


def digest(given):
    with socket.create_server(("", given.port)) as server:
        connection, _ = server.accept()
    got, size = hashlib.sha256(), 0
    with connection:
        while data := connection.recv(1 << 20):
            got.update(data)
            size += len(data)
    say(size, got.hexdigest())


# --- chat: a datagram every few milliseconds; how long was the longest silence? ---


def chat(given):
    given.proto = "udp"
    answers = []

    def listen():
        while True:
            try:
                client.recv(65536)
                answers.append(time.monotonic())
            except (TimeoutError, ConnectionRefusedError):
                continue
            except OSError:
                return

    with connect(given) as client:
        threading.Thread(target=listen, daemon=True).start()
        start, sent = time.monotonic(), 0
        while time.monotonic() < start + given.seconds:
            try:
                client.send(b"chat")
                sent += 1
            except OSError:
                pass  # an ICMP error of an earlier datagram
            time.sleep(0.005)
        time.sleep(0.2)
        marks = [start, *answers, time.monotonic()]
    gap = max(later - earlier for earlier, later in zip(marks, marks[1:]))
    say(json.dumps({"sent": sent, "received": len(answers), "silence_ms": round(gap * 1000)}))


# --- flood and collect: many sessions, each datagram carrying its number ---


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def frames(given):
    ether = bytes.fromhex((given.gateway_mac + given.from_mac).replace(":", "")) + b"\x08\x00"
    target = socket.inet_aton(given.host)
    first, _, last = given.ports.partition("-")
    number = 0
    for source in given.sources.split(","):
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 0, 0x4000, 64, 17, 0,
                             socket.inet_aton(source), target)
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        for port in range(int(first), int(last) + 1):
            # UDP checksum 0: none.
            yield ether + header + struct.pack("!HHHHQ", port, given.port, 16, 0, number)
            number += 1


def flood(given):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((given.interface, 0))
    sent = 0
    for frame in frames(given):
        sender.send(frame)
        sent += 1
        if sent % 500 == 0:
            time.sleep(0.005)  # 100k datagrams a second at most: the collector keeps up
    say(sent)


def collect(given):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, 33, 256 << 20)  # SO_RCVBUFFORCE
    server.bind(("", given.port))
    seen = {}
    server.settimeout(30)
    try:
        while True:
            data, peer = server.recvfrom(64)
            seen[struct.unpack("!Q", data)[0]] = peer
            server.settimeout(given.quiet)
    except TimeoutError:
        pass
    for number, peer in sorted(seen.items()):
        print(number, f"{peer[0]}:{peer[1]}")


# --- pour and gather: datagrams at a rate; how many come, how fast, and with which DSCP? ---


def pour(given):
    given.proto = "udp"
    data = bytes(given.size)
    with connect(given) as client:
        family, option = ((socket.IPPROTO_IPV6, socket.IPV6_TCLASS) if ":" in given.host else
                          (socket.IPPROTO_IP, socket.IP_TOS))
        client.setsockopt(family, option, given.dscp << 2)
        start, sent = time.monotonic(), 0
        while (passed := time.monotonic() - start) < given.seconds:
            if sent >= passed * given.pps:
                time.sleep(0.001)
                continue
            try:
                client.send(data)
                sent += 1
            except ConnectionRefusedError:
                pass  # an ICMP error of an earlier datagram
    say(sent)


def gather(given):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    server.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    server.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    server.bind(("::", given.port))
    say("listening")
    dscps, times = {}, []
    server.settimeout(given.seconds)
    try:
        while True:
            _, ancillary, _, _ = server.recvmsg(65536, 256)
            for _, _, value in ancillary:
                dscp = value[0] >> 2  # IP_TOS is a byte, IPV6_TCLASS a little endian int
                dscps[dscp] = dscps.get(dscp, 0) + 1
            times.append(time.monotonic())
            server.settimeout(given.quiet)
    except TimeoutError:
        pass
    late = times[len(times) // 2:]  # bursts are over
    pace = (len(late) - 1) / (late[-1] - late[0]) if len(late) > 1 else 0
    say(json.dumps({"datagrams": len(times), "pace": pace, "dscps": dscps}))


# --- whisper: frames as they are, for what no socket would send ---


def whisper(given):
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.bind((given.interface, 0))
    for frame in given.frames.replace(":", "").split(","):
        for _ in range(given.count):
            sender.send(bytes.fromhex(frame))


# --- overhear: waits for a frame that contains the bytes ---

SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4


def whole(frame, ancillary):
    """The frame with the VLAN tag that the kernel took out of it (struct tpacket_auxdata)."""
    for _, _, data in ancillary:
        status, _, _, _, _, tci, tpid = struct.unpack("=IIIHHHH", data)
        if status & TP_STATUS_VLAN_VALID:
            return frame[:12] + struct.pack("!HH", tpid, tci) + frame[12:]
    return frame


def overhear(given):
    receiver = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
    receiver.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    receiver.bind((given.interface, 0))
    wanted = bytes.fromhex(given.part.replace(":", ""))
    say("listening")
    deadline = time.monotonic() + given.seconds
    while (left := deadline - time.monotonic()) > 0:
        receiver.settimeout(left)
        try:
            frame, ancillary, _, origin = receiver.recvmsg(65536, 256)
        except TimeoutError:
            break
        frame = whole(frame, ancillary)
        if wanted in frame and origin[2] != socket.PACKET_OUTGOING:
            return say(frame.hex())
    sys.exit(f"no frame with {given.part} on {given.interface} within {given.seconds} s")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_subparsers(required=True)

    def add(function, *words):
        sub = action.add_parser(function.__name__)
        sub.set_defaults(run=function, from_port=0)
        for word, kind in words:
            sub.add_argument(word, type=kind)
        return sub

    add(serve, ("port", int))
    to = [("host", str), ("port", int)]
    one = add(exchange, ("proto", str), *to, ("lengths", str))
    one.add_argument("--from-port", type=int, default=0)
    one.add_argument("--reset", action="store_true", help="end the connection by RST")
    knocks = add(knock, ("proto", str), *to)
    knocks.add_argument("--from-port", type=int, default=0)
    add(hold, *to, ("seconds", float))
    add(bulk, *to, ("bytes", int))
    add(digest, ("port", int))
    add(chat, *to, ("seconds", float))
    many = add(flood, ("interface", str), ("gateway_mac", str), ("sources", str), ("ports", str),
               *to)
    many.add_argument("--from-mac", default="00:00:00:00:00:00")
    add(collect, ("port", int), ("quiet", float))
    even = add(pour, *to, ("pps", int), ("seconds", float), ("size", int))
    even.add_argument("--dscp", type=int, default=0)
    even.add_argument("--from-port", type=int, default=0)
    add(gather, ("port", int), ("seconds", float), ("quiet", float))
    add(whisper, ("interface", str), ("frames", str), ("count", int))
    add(overhear, ("interface", str), ("part", str), ("seconds", float))
    return parser.parse_args()


if __name__ == "__main__":
    options = arguments()
    options.run(options)
