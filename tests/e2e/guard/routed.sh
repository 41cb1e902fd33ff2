#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VM on a port of its own that sends as somebody else: nothing of it gets to the server,
# translated or not, and its session, which is in the cache, serves nobody else. A VM on the move
# receives, and sends from `mac activate` on.
# routed.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
for vm in vm1 vm2; do
    own_identity $vm
done
serve server 7
attacker=$(mac vm1 eth0) router=$(mac gateway vm1)

# Sessions of vm1's own, in the cache; the same packets from another MAC are none of them.
traffic vm1 flood eth0 "$router" 10.77.1.11 4000-4999 $LAB_SERVER4 9 --from-mac "$attacker"
lab_in vm1 ping -q -c 1 $LAB_SERVER4 # behind them all
witness server

# flood_as REASON MAC ADDRESS: 1000 datagrams, of which none gets anywhere.
flood_as() {
    local before
    before=$(counted dropped "$1")
    traffic vm1 flood eth0 "$router" "$3" 4000-4999 $LAB_SERVER4 9 --from-mac "$2"
    expect_soon 3 "1000 datagrams of $2, $3 are dropped as $1" counts $((before + 1000)) dropped "$1"
}
sessions=$(ask .sessions nat session count)
flood_as guard-mac "$(mac vm2 eth0)" 10.77.1.11
flood_as guard-ip "$attacker" 10.77.1.99
flood_as guard-ip "$attacker" 10.77.2.12
flood_as guard-ip "$attacker" $LAB_SERVER4
expect_soon 3 "events show them" reported drop guard-mac ".frame.source_mac == \"$(mac vm2 eth0)\""
expect_soon 3 "both kinds" reported drop guard-ip '.frame.ip.source == "10.77.1.99"'
expect "sessions that came of it" "$sessions" "$(ask .sessions nat session count)"
lab_in vm1 ping -q -c 1 $LAB_SERVER4
ping_arrived() { (($(witnessed icmp) > 0)); }
expect_soon 3 "a ping arrives" ping_arrived
expect "datagrams before it that arrived" 0 "$(witnessed "udp dst port 9")"
traffic vm1 exchange tcp $LAB_SERVER6 7 1-60,70000
echo "ok: it goes on under its own name"

# vm2 is being moved here: its MAC is another's yet.
sl guard set vm2 --macs none --address none
sl mac bind "$(mac vm2 eth0)" --vm mover --port vm2 --ip 10.77.2.12 --standby
ip -n "$LAB-gateway" neigh replace 10.77.2.12 lladdr "$(mac vm2 eth0)" dev vm2 nud permanent
witness_end
witness vm2
if lab_in vm1 ping -q -c 5 -i 0.01 -W 0.5 10.77.2.12; then fail "vm2 sends in standby"; fi
expect "pings that it received" 5 "$(witnessed "icmp and src 10.77.1.11")"
expect_soon 3 "what it says is dropped" is true \
    'any(.guard.refused[]; .reason == "guard-standby" and .dropped > 0)' guard show vm2
sl mac activate mover
ip -n "$LAB-vm2" neigh flush all # what it asked for in vain would fail its first answers
lab_in vm1 ping -q -c 5 -i 0.01 -W 0.5 10.77.2.12
echo "ok: it sends once it is active"
