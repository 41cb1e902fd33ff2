#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The lease of a VM that sends is never taken back, that of a dead one is; by the wire alone, while
# nothing of ours runs.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
lab_up
sl mac pool add two --prefix 02:00:00:00:02:10-12 --ttl 3s --cooldown 2s
sl port add vm1 --role access --hook "$1"
sl port add vm2 --role access --hook "$1"

# vm NAME IF: the VM has the address that it was given, and sends only what it is told to.
vm() {
    local mac
    lab_in "$2" sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1
    mac=$(sl mac alloc "$1" --port "$2")
    ip -n "$LAB-$2" link set eth0 address "$mac"
    echo "$mac"
}
state() { ask '.leases[0].state' mac show "$1"; }
is_state() { [[ $(state "$1") == "$2" ]]; }

alive=$(vm alive vm1)
dead=$(vm dead vm2)
pinned=$(sl mac alloc pinned --pin)
expect "before anything was sent" reserved "$(state pinned)"
lab_spawn vm1 ping -q -i 0.2 10.77.1.1
pinger=$!
lab_in vm2 ping -q -c 3 -i 0.2 10.77.2.1 >/dev/null
expect_soon 2 "the running VM is seen" is_state alive active
expect "the other too" active "$(state dead)"
expect "on its port" vm1 "$(ask '.leases[0].seen.port' mac show alive)"
expect_refusal 4 "no free address" mac alloc next

expect_soon 10 "silence ends the dead VM's lease" is_state dead quarantine
expect_refusal 4 "no free address" mac alloc next
expect_soon 10 "it cools down" is_state dead free
expect "the running VM's lease" active "$(state alive)"
expect "the next VM gets the dead one's" "$dead" "$(sl mac alloc next)"
expect_refusal 4 "no free address" mac alloc another
expect "the running VM still has its own" "$alive" "$(ask '.leases[0].mac' mac show alive)"
expect "the pinned one too" "$pinned" "$(ask '.leases[0].mac' mac show pinned)"

# A guest that comes back after its lease is over, and before another got it, has it again.
expect_soon 10 "nobody uses the next VM's" is_state next free
ip -n "$LAB-vm2" link set eth0 address "$dead"
lab_in vm2 ping -q -c 1 10.77.2.1 >/dev/null
expect_soon 2 "it is seen" is_state next active
expect_refusal 4 "no free address" mac alloc another

# An instance made anew counts anew: nothing is over because nobody looked.
lab_reap "$pinger"
sl down
sl up
expect_match "after a restart" "^(reserved|active)$" "$(state alive)"
expect_refusal 4 "no free address" mac alloc another
