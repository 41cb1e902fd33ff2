#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# After a reboot `restore` and `up` bring up all that can be: what can't is told with its mend, the
# rest works, and other commands work beside it. What can't be a port lets nothing through.
# in_part.sh
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
compile_foreign
gate xdp
serve server 7
run=$LAB_DIR/run
mkdir "$run"
sl port add gw --role internal --vlan 10 --address 10.99.0.1/24
sl mac pool add vms --prefix 02:1a:2c --ip-pool 10.99.0.10-10.99.0.20
sl mac dhcp set --hosts-file "$run/hosts"
sl mac alloc web1 --port vm1
traffic vm1 exchange udp $LAB_SERVER4 7 1-3

# The reboot: maps and /run are gone. Somebody has XDP on vm2, and an interface of the name gw.
reboot() {
    rm -rf "/sys/fs/bpf/sluice/$LAB" "$run"
    lab_in gateway nft flush ruleset
    for port in vm1 vm2 wan; do
        ip -n "$LAB-gateway" link set $port xdp off 2>/dev/null || true
        lab_in gateway tc qdisc del dev $port clsact 2>/dev/null || true
    done
    ip -n "$LAB-gateway" link del gw 2>/dev/null || true
}
reboot
ip -n "$LAB-gateway" link add gw type bridge
ip -n "$LAB-gateway" link set vm2 xdp obj "$LAB_DIR/foreign.o" sec xdp

# done_in_part COMMAND: it ends with 7; what it says is in $LAB_DIR/said.
done_in_part() {
    local code=0
    sl "$@" >"$LAB_DIR/out" 2>"$LAB_DIR/said" || code=$?
    expect "exit code of $*" 7 "$code"
}
done_in_part restore
expect_match "the port without its name" "port gw: there is another interface gw now" "$(<"$LAB_DIR/said")"
expect_match "the port with another's XDP" "port vm2: " "$(<"$LAB_DIR/said")"
expect_match "the file without its folder" "hosts file of DHCP: .*$run" "$(<"$LAB_DIR/said")"
expect_match "and its mend" "mkdir -p $run" "$(<"$LAB_DIR/said")"
expect "the rest is up" "drifted vm1 wan" \
    "$(ask '[.state, (.ports[] | select(.tc_ingress) | .name)] | join(" ")' status)"
traffic vm1 exchange udp $LAB_SERVER4 7 1-3
! lab_in vm2 ping -q -c 1 -W 1 $LAB_SERVER4 >/dev/null || fail "what is no port got through"
expect "also in JSON" "hosts file of DHCP,port gw,port vm2" \
    "$(sl --json restore | jq -r '[.failures[].message | sub("^the "; "") | sub(":.*"; "")] | sort | join(",")' || true)"

# Commands that have nothing to do with it work, and say what is still not well.
sl nat forward add --proto tcp --external $LAB_WAN4:80 --internal 10.77.1.11:80 2>"$LAB_DIR/said"
expect_match "what is not well is said" "port vm2, as before: " "$(<"$LAB_DIR/said")"
expect "the command is done" 1 "$(ask '.forwards | length' nat forward list)"
# What can't be done itself fails, and changes nothing.
ip -n "$LAB-gateway" link add spare type bridge
expect_refusal 4 "" port add spare --role internal --vlan 20 --address 10.98.0.1/24
expect "ports" 4 "$(ask '.ports | length' port list)"

# Mended one by one.
ip -n "$LAB-gateway" link del gw
ip -n "$LAB-gateway" link set vm2 xdp off
mkdir "$run"
sl restore
expect "drift" 0 "$(ask '.drift | length' status)"
ip -n "$LAB-vm2" neigh flush all  # it has just given up to ask for its gateway
traffic vm2 exchange udp $LAB_SERVER4 7 1-3
lab_in gateway ping -q -c 1 10.99.0.1 >/dev/null
expect "the hosts file" 1 "$(grep -c web1 "$run/hosts")"

# `up` does the same.
reboot
done_in_part up
expect_match "up" "hosts file" "$(<"$LAB_DIR/said")"
traffic vm1 exchange udp $LAB_SERVER4 7 1-3
expect "counters hold" true "$(ask .consistent stats)"
