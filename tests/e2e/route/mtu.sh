#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A narrower way out: path MTU discovery works by TCP, UDP and ICMP in both families, and what may be
# fragmented arrives in fragments.
# mtu.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
ip -n "$LAB-gateway" link set wan mtu 1400
ip -n "$LAB-server" link set eth0 mtu 1400
gate "$hook"
serve server 7

expect_match "IPv4 is told" "From 10.77.1.1 .*[Ff]rag needed.*mtu = 1400" \
    "$(lab_in vm1 ping -n -c 1 -W 2 -M "do" -s 1472 $LAB_SERVER4 || true)"
expect_match "IPv6 is told" "From fd77:0:0:1::1 .*Packet too big: mtu=1400" \
    "$(lab_in vm1 ping -n -c 1 -W 2 -M "do" -s 1452 $LAB_SERVER6 || true)"
expect "drops are named" too-big "$(ask '.drops[].reason' drops)"

for server in $LAB_SERVER4 $LAB_SERVER6; do
    ip -n "$LAB-vm2" route flush cache
    traffic vm2 bulk $server 7 3000001
    echo "ok: a stream to $server found its size"
done

lab_in vm1 ping -q -n -c 2 -i 0.01 -W 2 -M dont -s 1472 $LAB_SERVER4
echo "ok: IPv4 without DF is fragmented on the way"
for server in $LAB_SERVER4 $LAB_SERVER6; do
    lab_in vm1 ping -q -n -c 2 -i 0.01 -W 2 -s 4000 $server
    traffic vm1 exchange udp $server 7 1400-1402,2000,4001,20000
    echo "ok: fragments to $server and back"
done

# A sender that was told nothing: what is masqueraded is cut up on the way.
ip -n "$LAB-vm1" route flush cache
expect_match "echoes without DF" " 3 received" \
    "$(lab_in vm1 ping -n -c 3 -i 0.01 -W 2 -M dont -s 1472 $LAB_SERVER4)"
lab_in vm1 python3 - "$LAB_SERVER4" <<'PYTHON'
import os, socket, sys

it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: no DF
it.settimeout(3)
it.connect((sys.argv[1], 7))
for length in (1373, 1471, 1472):
    sent = os.urandom(length)
    it.send(sent)
    assert it.recv(65535) == sent, length
PYTHON
echo "ok: IPv4 without DF is fragmented behind a masquerade"
