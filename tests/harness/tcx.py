#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints how many programs are attached to an interface through tcx, which tc and bpftool of Debian
12 do not show: bpf(BPF_PROG_QUERY), Linux 6.6."""

import ctypes
import errno
import platform
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
BPF_PROG_QUERY = 16
BPF_TCX = {"ingress": 46, "egress": 47}


def attached(ifindex, attach_type):
    # target_ifindex, attach_type, query_flags, attach_flags, prog_ids, count, ... (union bpf_attr)
    attr = ctypes.create_string_buffer(struct.pack("=IIIIQI", ifindex, attach_type, 0, 0, 0, 0), 64)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(SYS_BPF, BPF_PROG_QUERY, attr, len(attr)) != 0:
        error = ctypes.get_errno()
        if error == errno.EINVAL:
            return None  # a kernel without tcx
        raise OSError(error, "BPF_PROG_QUERY")
    return struct.unpack_from("=I", attr, 24)[0]


for name in sys.argv[1:]:
    for direction, attach_type in BPF_TCX.items():
        print(name, "tcx", direction, attached(socket.if_nametoindex(name), attach_type))
