#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The router's MAC changes under running sessions, and no command follows: a bridge takes over the
# MAC of a tap that a VM's start enslaves to it, somebody gives the uplink another one. NAT goes on,
# and nothing leaves untranslated.
# router_mac.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_bridged
gate "$1"
ping_out() { lab_in vm1 ping -q -c 2 -i 0.05 -W 1 "$1" >/dev/null; }
neighbours_ask_anew() {
    lab_in vm1 ip neigh flush dev eth0
    lab_in server ip neigh flush dev eth0
}
goes_on() {
    neighbours_ask_anew
    expect_soon 3 "IPv4, $1" ping_out $LAB_SERVER4
    expect_soon 3 "IPv6, $1" ping_out $LAB_SERVER6
    expect_soon 3 "UDP, $1" traffic vm1 exchange udp $LAB_SERVER4 7 1-5 --from-port 20001
    expect_soon 3 "TCP, $1" traffic vm1 exchange tcp $LAB_SERVER4 7 1
}

serve server 7
goes_on "before"
sessions=$(ask .ipv4 nat session count)

before=$(mac gateway br0)
ip -n "$LAB-gateway" link add tap9 type veth peer name tap9x
ip -n "$LAB-gateway" link set tap9 address 02:00:00:00:00:01
ip -n "$LAB-gateway" link set tap9 master br0 up
[[ $(mac gateway br0) != "$before" ]] || fail "the bridge has kept its MAC"
goes_on "after the bridge's MAC changed"

ip -n "$LAB-gateway" link set wan address 02:00:00:00:aa:01
goes_on "after the uplink's MAC changed"

expect "sessions of the fixed port" 1 "$(ask .ipv4 nat session count proto=udp sport=20001)"
((sessions <= $(ask .ipv4 nat session count))) || fail "sessions were lost"
expect "untranslated frames at the uplink" 0 \
    "$(ask '[.drops[] | select(.reason == "untranslated") | .packets] | add // 0' drops)"
