#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# An interface that vanishes and comes again, and a reboot: told by status, mended by restore.
# recreate.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
sl nat forward add --proto udp --external $LAB_WAN4:7 --internal 10.77.1.11:7
sl qos set vm1 --egress-rate 100mbit
serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-10

plug_vm1() {
    lab_link gateway vm1 vm1 eth0 1500
    lab_addr gateway vm1 10.77.1.1/24 fd77:0:0:1::1/64
    lab_addr vm1 eth0 10.77.1.11/24 fd77:0:0:1::11/64
    lab_gateways vm1 10.77.1.1 fd77:0:0:1::1
}
works() {
    traffic vm1 exchange udp $LAB_SERVER4 7 1-50
    traffic vm1 exchange tcp $LAB_SERVER6 7 1-50
    traffic vm2 exchange udp $LAB_SERVER4 7 1-50
    expect "drift" 0 "$(ask '.drift | length' status)"
}

ip -n "$LAB-gateway" link del vm1
expect "state of the port" absent "$(ask '.port.state' port show vm1)"
expect_match "status tells" "vm1" "$(ask '.drift[].text' status)"
traffic vm2 exchange udp $LAB_SERVER4 7 1-10
echo "ok: the others go on"
expect_match "restore warns and does the rest" "vm1" "$(sl restore 2>&1)"

plug_vm1
expect_match "status tells that it is another" "vm1" "$(ask '.drift[].text' status)"
in_force() { ask '.ports[0] | "\(.present) \(.out.shaper)"' qos list; }
expect "its rate is not in force" "false null" "$(in_force)"
sl restore
works
expect "its rate is in force again" "true htb" "$(in_force)"

ip -n "$LAB-gateway" link del vm1
plug_vm1
sl port del vm1
sl port add vm1 --role access --hook "$hook"
works

# Power cut: interfaces and pins are gone, the database is not.
lab_scrap
rm -rf "/sys/fs/bpf/sluice/$LAB"
lab_routed
expect_match "status tells of the power cut" "maps are gone" "$(ask '.drift[].text' status)"
sl restore
expect "state after restore" up "$(ask .state status)"
serve server 7
works
serve vm1 7
traffic server exchange udp $LAB_WAN4 7 1-50
echo "ok: the forward is back"
