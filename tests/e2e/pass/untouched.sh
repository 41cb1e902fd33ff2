#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is not ours passes as it came: between hosts of a bridge, to the gateway and from it.
# untouched.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_bridged
# Where the bridge has netfilter look at IP, that drops broken headers itself.
lab_in gateway sysctl -qw net.bridge.bridge-nf-call-iptables=0 2>/dev/null || true
gate "$hook"

from=$(mac vm1 eth0) to=$(mac vm2 eth0)
# passes WHAT FRAME: vm1's frame reaches vm2 byte for byte.
passes() {
    local frame=${2//[: ]/}
    lab_spawn vm2 "$E2E_HARNESS/traffic.py" overhear eth0 "$frame" 5
    lab_wait 5 grep -q listening "$LAB_DIR/$!.out"
    traffic vm1 whisper eth0 "$frame" 1
    wait "$!" || fail "$1: $(<"$LAB_DIR/$!.out")"
    echo "ok: $1"
}
padding=$(printf 'a5%.0s' {1..64})
ip_to_vm2="4500002a00010000400166b8 0a4d000b 0a4d000c 0800"
passes "an unknown ethertype" "$to $from 88b5 $padding"
passes "802.3 with an LLC header" "$to $from 0040 424203 $padding"
passes "a VLAN tag" "$to $from 8100 0064 0800 $ip_to_vm2 $padding"
passes "two VLAN tags" "$to $from 88a8 0064 8100 00c8 0800 $ip_to_vm2 $padding"
passes "VLAN 0" "$to $from 8100 0000 88b5 $padding"
passes "a broadcast" "ffffffffffff $from 88b5 $padding"
passes "IPv4 that is no IPv4" "$to $from 0800 15 $padding"
passes "IPv4 between two hosts of the bridge, broken checksum and all" \
    "$to $from 0800 4500003000010000 40 11 ffff 0a4d000b 0a4d000c 0007 0007 001c ffff $padding"

serve vm2 7
traffic vm1 exchange tcp 10.77.0.12 7 1-60,70000
traffic vm1 exchange udp fd77::12 7 1-60
expect_soon 2 "neighbours see each other untranslated" client_seen "^tcp 10.77.0.11 "

# The gateway's own: ARP and ND (the caches are empty), its servers, its clients, and DHCP's ports.
ip -n "$LAB-vm1" neigh flush all
ip -n "$LAB-gateway" neigh flush all
serve gateway 53
for address in 10.77.0.1 fd77::1 $LAB_WAN4; do
    traffic vm1 exchange udp "$address" 53 1-60
    traffic vm1 exchange tcp "$address" 53 1-60,70000
    echo "ok: the gateway is reached at $address"
done
serve server 7
for server in $LAB_SERVER4 $LAB_SERVER6; do
    traffic gateway exchange udp "$server" 7 1-60
    traffic gateway exchange tcp "$server" 7 1-60,70000
    echo "ok: the gateway reaches $server"
done
expect "sessions of ours" 0 "$(ask .sessions nat session count)"
expect "drops" 0 "$(ask '[.drops[].packets] | add // 0' drops)"
