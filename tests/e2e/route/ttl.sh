#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A packet whose TTL ends at the gate is answered by ICMP, from either side and in either family.
# ttl.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
sl nat forward add --proto udp --external $LAB_WAN4:7 --internal 10.77.1.11:7

# last_word HOST ADDRESS: what a ping with TTL 1 is told.
last_word() { lab_in "$1" ping -n -c 1 -W 2 -t 1 "$2" || true; }

expect_match "IPv4 from inside" "From 10.77.1.1 .*Time to live exceeded" \
    "$(last_word vm1 $LAB_SERVER4)"
expect_match "IPv6 from inside" "From fd77:0:0:1::1 .*Time exceeded: Hop limit" \
    "$(last_word vm1 $LAB_SERVER6)"
expect_match "IPv6 from outside" "From $LAB_WAN6 .*Time exceeded: Hop limit" \
    "$(last_word server fd77:0:0:1::11)"
expect "drops are named" ttl-exceeded "$(ask '.drops[].reason' drops)"
expect "and counted" 3 "$(ask '.drops[].packets' drops)"

# In an established session too, where the fast path sees the packets.
lab_in vm1 ping -q -n -c 5 -i 0.01 $LAB_SERVER4 >/dev/null
expect_match "IPv4 again, after others passed" "Time to live exceeded" \
    "$(last_word vm1 $LAB_SERVER4)"
