#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Closed first, open last: a flood runs while each command does its work, while a tap and the uplink
# are made anew under their names, and while programs are taken off. Nothing leaves untranslated,
# spoofed, unjudged or for a network that is no port's; and what is right gets through again.
# door.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1
deluge="$E2E_HARNESS/deluge.py"

lab_new e2e
lab_routed
lab_host admin
lab_link gateway mgmt admin eth0 1500
lab_addr gateway mgmt 192.168.50.1/24
lab_addr admin eth0 192.168.50.2/24
# Whoever is not resolved gets nothing, and nothing could go wrong.
lab_in gateway ping -qc 1 192.168.50.2 >/dev/null

gateway_mac=02:00:00:00:01:01
plug_vm1() {
    ip -n "$LAB-gateway" link set vm1 address $gateway_mac
    lab_in vm1 ip link set eth0 address 02:00:00:00:01:11
}
replug_vm1() {
    ip -n "$LAB-gateway" link del vm1
    lab_link gateway vm1 vm1 eth0 1500
    plug_vm1
    lab_addr gateway vm1 10.77.1.1/24 fd77:0:0:1::1/64
    lab_addr vm1 eth0 10.77.1.11/24 fd77:0:0:1::11/64
}
replug_wan() {
    ip -n "$LAB-gateway" link del wan
    lab_link gateway wan server eth0 1500
    lab_addr gateway wan $LAB_WAN4/24 $LAB_WAN6/64
    lab_addr server eth0 $LAB_SERVER4/24 $LAB_SERVER6/64
}

# Where frames arrive: right, translated, at the server; nothing else anywhere.
count() { jq ".$2" "$LAB_DIR/$1.counts"; }
rightful=.right
wrong() {
    local host
    for host in server vm2 admin; do
        jq -c --arg host $host "del($rightful) | to_entries[] | select(.value > 0) | {\$host, (.key): .value}" \
            "$LAB_DIR/$host.counts"
    done
}
more_than() { (($(count server right) > $1)); }

# during WHAT COMMAND...: the flood goes on meanwhile; afterwards nothing wrong has arrived.
during() {
    "${@:2}" >"$LAB_DIR/said" 2>&1 || fail "$1: $(<"$LAB_DIR/said")"
    sleep 0.1 # for the witnesses to tell
    expect "$1: what arrived and should not have" "" "$(wrong)"
}
# ... and right frames pass again.
flows() {
    local before
    before=$(count server right)
    expect_soon 5 "right frames pass again" more_than $((before + 20))
}

cat >"$LAB_DIR/policy.yaml" <<END
network-policy:
  - {name: no-discard, action: deny, protocol: udp, ports: 9}
END
rules() {
    sl guard set vm1 --macs 02:00:00:00:01:11 --address 10.77.1.11,fd77:0:0:1::11
    sl policy load "$LAB_DIR/policy.yaml"
}

plug_vm1
gate "$hook"
rules
# The host goes on heeding router advertisements where it did, but those of VMs it never did.
accept_ra() { lab_in gateway sysctl -n "net.ipv6.conf.$1.accept_ra"; }
expect "accept_ra of the uplink" 2 "$(accept_ra wan)"
expect "accept_ra of a VM's port" 1 "$(accept_ra vm1)"
sl port set vm2 --role uplink
expect "accept_ra of a VM's port that becomes an uplink" 2 "$(accept_ra vm2)"
sl port set vm2 --role access
expect "accept_ra of an uplink that becomes a VM's port" 1 "$(accept_ra vm2)"
for host in server vm2 admin; do
    lab_spawn $host "$deluge" watch eth0 $LAB_NET4 "$LAB_DIR/$host.counts"
done
lab_wait 5 test -e "$LAB_DIR/admin.counts"
lab_spawn vm1 "$deluge" send eth0 $gateway_mac 10.77.1.11 right spoofed spoofed6 denied outside
lab_spawn vm2 "$deluge" send eth0 "$(mac gateway vm2)" 10.77.2.12 right outside
flows

rounds=$((${SLUICE_TEST_LONG:-0} ? 10 : 2))
for ((round = 1; round <= rounds; round++)); do
    during "down" sl down
    during "up" sl up
    flows
    during "guard set" sl guard set vm1 --macs 02:00:00:00:01:11,02:00:00:00:01:12
    during "port set" sl port set vm1 --flows routed
    during "port set back" sl port set vm1 --flows all
    during "policy load" sl policy load "$LAB_DIR/policy.yaml"
    during "port del" sl port del vm2
    during "port add" sl port add vm2 --role access --hook "$hook"
    during "a forward" sl nat forward add --proto udp --external $LAB_WAN4:53 --internal 10.77.1.11:53
    during "no forward" sl nat forward del --proto udp --external $LAB_WAN4:53
    during "a masquerade" sl nat masquerade add --source 10.99.0.0/24 --uplink wan
    during "no masquerade" sl nat masquerade del --source 10.99.0.0/24 --uplink wan
    flows

    during "the tap is made anew" replug_vm1
    sleep 0.3
    expect "what passed the new tap" "" "$(wrong)"
    expect_match "port show tells" "closed door" "$(ask .port.note port show vm1)"
    expect "the port is closed" true "$(ask .port.closed port show vm1)"
    during "restore" sl restore
    expect "the port is open" false "$(ask .port.closed port show vm1)"
    flows

    during "the uplink is made anew" replug_wan
    sleep 0.3
    expect "what left by the new uplink" "" "$(wrong)"
    during "restore" sl restore
    flows

    # An upgrade: maps and programs of another version give way to those of this one.
    stamp=/sys/fs/bpf/sluice/$LAB/maps/sl_stamp
    mapfile -t bytes < <(bpftool -j map dump pinned "$stamp" | jq -r '.[0].value[]')
    bytes[8]=0x63 # the version of the layout
    bpftool map update pinned "$stamp" key hex 00 00 00 00 value hex "${bytes[@]#0x}"
    expect_refusal 4 "another version" port del vm2
    during "restore of another version" sl restore
    flows

    # As `tc qdisc del` would; tcx links are let go by their pins.
    rm -f "/sys/fs/bpf/sluice/$LAB/links/vm1-ingress"
    lab_in gateway tc qdisc del dev vm1 clsact 2>/dev/null || true
    sleep 0.3
    expect "what passed without a program" "" "$(wrong)"
    during "restore" sl restore
    flows
done
expect "drift" 0 "$(ask '.drift | length' status)"
(($(ask .door.closed.packets status) > 0)) || fail "the door has held back nothing"

# The host forwards already, and so to networks that are no ports, too. The rest is as before: in
# between `up` and `down` nothing is its own affair.
rightful=.right,.outside
lab_in gateway sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
during "port del where the host forwards" sl port del vm2
during "port add where the host forwards" sl port add vm2 --role access --hook "$hook"
during "the tap is made anew where the host forwards" replug_vm1
during "restore" sl restore
flows
expect "the door goes last" 3 "$(lab_in gateway nft list tables | grep -c "sluice_$LAB")"
sl down
expect "tables left" "" "$(lab_in gateway nft list tables)"
