#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Floods and scans by the tools that people use for them are reported, each by its name and port, and
# limited where that is asked for; a VM that works beside them is neither hurt nor reported.
# report.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
switch_up "$hook" --max-macs 100000
sl port add vlan10 --role internal --vlan 10 --address 10.77.0.1/24
sl port add wan --role uplink --hook "$hook"
sl nat masquerade add --source 10.77.0.0/24 --uplink wan
number a1 11 a2 12
lab_gateways a1 10.77.0.1
lab_gateways a2 10.77.0.1
lab_addr b1 eth0 10.78.0.11/24
lab_addr b2 eth0 10.78.0.12/24
serve a2 7
serve b2 7
expect "detectors" 10 "$(ask '.detectors | length' detect list)"
sl detect set udp-flood-to --threshold 5000
sl detect set udp-flood-from --threshold 5000
sl detect set icmp-flood-to --threshold 2000

# reported KIND: at which ports.
reported() { ask "[.events[] | select(.kind == \"$1\") | .port] | unique | join(\",\")" events; }
reports() { [[ $(reported "$1") == *"$2"* ]]; }
# attack COMMAND...: on a1, for a while.
attack() { lab_in a1 timeout 3 "$@" >/dev/null 2>&1 || true; }

# Before b2 was a port, what b1 said to all went nowhere.
begun=$(ask '[.events[].number] | max // 0' events)

# Beside it all b1 works: transfers, connections one after the other, pings, all of its neighbours.
lab_spawn b1 "$E2E_HARNESS/traffic.py" bulk 10.78.0.12 7 60000001
bulk=$!
lab_spawn b1 ping -q -i 0.02 -c 600 10.78.0.12
pings=$!
legitimate() {
    local i
    for ((i = 0; i < 40; ++i)); do
        traffic b1 exchange tcp 10.78.0.12 7 100 >/dev/null
    done
}
legitimate

attack nmap -n -Pn -sS -p 1-300 10.77.0.12
expect_soon 3 "a port scan" reports port-scan a1
attack nmap -n -Pn -sS -p 22 --max-retries 0 --host-timeout 1 203.0.113.0/25
expect_soon 3 "a host scan" reports host-scan a1
attack nmap -n -sn -PR 10.77.0.0/24
expect_soon 3 "an ARP scan" reports arp-scan a1
attack hping3 -q -S -p 81 --rand-source --faster 10.77.0.12
expect_soon 3 "a SYN flood" reports syn-flood a1
attack hping3 -q --udp -p 53 -s 53 --keep --flood 10.77.0.12
expect_soon 3 "a UDP flood to one" reports udp-flood-to a1
expect_soon 3 "a UDP flood from one" reports udp-flood-from a1
attack hping3 -q --icmp --flood 10.77.0.12
expect_soon 3 "an ICMP flood" reports icmp-flood-to a1
attack macof -i eth0 -n 20000
expect_soon 3 "a MAC flood" reports mac-flood a1

legitimate
wait $bulk || fail "the transfer: $(<"$LAB_DIR/$bulk.out")"
wait $pings || true
# A flood that takes a whole CPU may make the kernel lose one in its own queues.
expect_match "pings of the VM that works" ' 0(\.[0-9]+)?% packet loss' "$(<"$LAB_DIR/$pings.out")"
expect "what is reported of the other VLAN" "" \
    "$(ask '[.events[] | select(.port == "b1" or .port == "b2") | select(.number > '"$begun"' and .kind != "changed") | [.kind, .reason] | join(" ")] | unique | join(",")' events)"

# Limited: the scan finds few of the ports, the VM's connections go on.
sl detect set syn-flood --threshold 20 --window 1m --action limit
attack hping3 -q -S -p 82 --rand-source --faster 10.77.0.12
expect_within "flows of the flood" 1 40 "$(ask .sessions flow count dport=82)"
expect_match "the rest is counted" '^[1-9]' \
    "$(ask '[.drops[] | select(.reason == "detected") | .packets] | add // 0' drops)"
legitimate
traffic b1 bulk 10.78.0.12 7 1000001
echo "ok: the other VM works"
sl detect reset all
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
expect_refusal 2 "is not a detector" detect set synflood --action off
expect_refusal 2 "out of range" detect set syn-flood --threshold 0
