#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A port whose interface is renamed is that port still: its guard, its rates and its NAT hold, also
# after the next command, and `down` leaves the interface as it was found.
# renamed.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
# rename OLD NEW: Linux 6.18 does it with the interface up, older ones do not.
rename() {
    ip -n "$LAB-gateway" link set "$1" down
    ip -n "$LAB-gateway" link set "$1" name "$2"
    ip -n "$LAB-gateway" link set "$2" up
}
# IPv6 addresses do not outlive it.
rename vm1 web1
rename web1 vm1
rename wan up0
rename up0 wan
ip -n "$LAB-gateway" route replace default via $LAB_SERVER4
sleep 2 # the new link-local addresses are tentative first
before=$(snapshot vm1 wan)
gate "$hook"
serve server 7
sl guard set vm1 --macs "$(mac vm1 eth0)" --address 10.77.1.11
sl qos set vm1 --egress-rate 50mbit
traffic vm1 exchange udp $LAB_SERVER4 7 1-3

lab_addr vm1 eth0 10.77.1.77/32
refused() { ask '[.drops[] | select(.reason | startswith("guard-")) | .packets] | add // 0' drops; }
# forged WHEN: what is not the VM's own goes nowhere.
forged() {
    local drops
    drops=$(refused)
    ! lab_in vm1 ping -q -c 1 -W 1 -I 10.77.1.77 $LAB_SERVER4 >/dev/null || fail "forged $1"
    expect_within "what the guard refused $1" $((drops + 1)) $((drops + 20)) "$(refused)"
}
# held WHEN: guard, rate and NAT are there.
held() {
    ip -n "$LAB-gateway" route replace default via $LAB_SERVER4
    forged "$1"
    traffic vm1 exchange udp $LAB_SERVER4 7 1-3
    expect "the guard of vm1 $1" on "$(ask '.guards[] | select(.port == "vm1") | .state' guard list)"
    expect "the shaper of vm1 $1" htb "$(ask '.ports[0].out.shaper' qos list)"
}
rename vm1 web1
other() { "$SLUICE" --instance "$LAB-2" "$@"; }
other --netns "$LAB-gateway" up
taken=$(other port add web1 --role access 2>&1) && fail "another instance took it"
expect_match "another instance knows whose it is" "web1 is a port of instance $LAB" "$taken"
other down --purge
held "after the rename"
expect_match "port list says so" "its interface is named web1 now" "$(sl port list)"
expect_match "so does the next command" "named web1 now" \
    "$(sl nat forward add --proto tcp --external $LAB_WAN4:80 --internal 10.77.1.11:80 2>&1)"
held "after the next command"
sl restore
held "after restore"
expect_refusal 4 "is the interface of port vm1" port add web1 --role access

# The uplink as well; and a stranger by the port's name is not the port.
rename wan up0
ip -n "$LAB-gateway" link add vm1 type bridge
sl restore
held "after the uplink's rename"
expect "the stranger is no port" "" "$(lab_in gateway tc filter show dev vm1 ingress)"
ip -n "$LAB-gateway" link del vm1

# Back again, and gone.
rename web1 vm1
rename up0 wan
sl restore
held "under the old name"
expect "drift" 0 "$(ask '.drift | length' status)"
rename vm1 web1
sl down
rename web1 vm1
expect "interfaces after down" "$before" "$(snapshot vm1 wan)"
expect "pins left" "" "$(find /sys/fs/bpf/sluice/"$LAB" 2>/dev/null || true)"
