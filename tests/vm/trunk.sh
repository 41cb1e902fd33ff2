#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A virtual machine that tags for itself, behind a tap that is a trunk, all offloads on: it is in both
# VLANs at once, 20 MB go each way and every byte is right, and nothing passes from one to the other.
# trunk.sh tc|xdp
. "$(dirname "$0")/../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
. "$E2E_HARNESS/switch.sh"
. "$(dirname "$0")/../../scripts/guest.sh"
hook=$1
size=20000000

[[ -e $GUEST_CACHE/vmlinuz ]] || fail "no kernel for the guest: run scripts/setup"
lab_new vm
lab_switched
guest_root "$LAB_DIR/guest" virtio_pci virtio_net 8021q
cat >"$LAB_DIR/guest/job" <<'END_OF_JOB'
ip link set eth0 up
for vlan in 10 20; do
    ip link add link eth0 name vlan$vlan type vlan id $vlan
    ip link set vlan$vlan up
    ip addr add 10.$((67 + vlan)).0.50/24 dev vlan$vlan
done
nc -ll -p 23 -e sh
END_OF_JOB
guest_start gateway vm1 "$LAB_DIR/guest"
console=$LAB_DIR/$!.out
switch_up "$hook"
sl port add vm1 --role trunk --vlans 10,20 --hook "$hook"
lab_addr a1 eth0 10.77.0.11/24
lab_addr b1 eth0 10.87.0.11/24
guest() { guest_in a1 10.77.0.50 "$@"; }
lab_wait 60 guest true 2>/dev/null || fail "the guest did not start: $(<"$console")"

witness b1
for vm in a1 b1; do
    guest_address=10.$((67 + VLAN_OF[$vm])).0.50
    lab_in $vm ping -q -c 3 -i 0.1 -W 2 $guest_address
    sent=$(guest "mkdir -p /www; head -c $size /dev/urandom >/www/data; sha256sum </www/data")
    [[ $vm != a1 ]] || guest "httpd -p 80 -h /www"
    expect "what $vm received" "$sent" \
        "$(lab_in $vm timeout 60 wget -q -O - "http://$guest_address/data" | sha256sum)"
    mkdir -p "$LAB_DIR/www"
    head -c $size /dev/urandom >"$LAB_DIR/www/data"
    lab_spawn $vm busybox httpd -f -p 80 -h "$LAB_DIR/www"
    lab_wait 5 lab_listening $vm 80
    expect "what the guest received from $vm" "$(sha256sum <"$LAB_DIR/www/data")" \
        "$(guest "wget -q -O - http://${guest_address%.*}.11/data | sha256sum")"
done
witness_end
expect "frames of VLAN 10 in VLAN 20" 0 \
    "$(witnessed "net 10.77.0.0/24 or arp net 10.77.0.0/24 or ether host $(mac a1 eth0)")"
expect_within "frames of its own" 100 100000 "$(witnessed "net 10.87.0.0/24")"
# The guest speaks IPv6 without a tag, too; and a VM whose port is the first in its VLAN speaks to nobody yet.
expect "drops" 0 "$(ask '[.drops[] | select(.reason != "vlan-untagged" and .reason != "switch-nowhere").packets] | add // 0' drops)"
expect "counters hold" true "$(ask .consistent stats)"
