#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""log_listener.py SOCKET: what syslogd would get, a line each, until killed."""

import os
import socket
import sys

with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
    if os.path.exists(sys.argv[1]):
        os.unlink(sys.argv[1])
    listener.bind(sys.argv[1])
    while True:
        print(listener.recv(65536).decode("ascii"), flush=True)
