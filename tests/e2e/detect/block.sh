#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VM that scans is cut off for a time, by itself; the one beside it and the host are not.
# block.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
reach() { lab_in "$1" ping -q -c 3 -i 0.05 -W 1 "$2" >/dev/null; }
list() { ask "[.entries[] | $1] | join(\" \")" block list; }

sl detect set port-scan --threshold 20 --action block --for 8s
expect "what is set" "block 8" \
    "$(ask '.detectors[] | select(.name == "port-scan") | "\(.action) \(.block_for)"' detect list)"
expect_refusal 4 "can't block" detect set arp-scan --action block
expect_refusal 4 "does not block" detect set syn-flood --for 1m

lab_spawn vm2 ping -q -i 0.02 -c 300 "$LAB_SERVER4"
pings=$!
lab_in vm1 timeout 20 nmap -n -Pn -sS --max-retries 0 -p 1-300 "$LAB_SERVER4" >/dev/null
! reach vm1 "$LAB_SERVER4" || fail "the scanner is not cut off"
echo "ok: the scanner is cut off"
expect "who is blocked, and by whom" "10.77.1.11/32 found port-scan" \
    "$(list '"\(.network) \(.set) \(.by)"')"
expect "the event" "port-scan vm1" \
    "$(ask '.events[] | select(.kind == "source-blocked") | "\(.reason) \(.port)"' events)"
wait $pings || true
expect_match "pings of the VM that works" ' 0% packet loss' "$(<"$LAB_DIR/$pings.out")"
expect_soon 12 "it ends by itself" reach vm1 "$LAB_SERVER4"
expect "who is blocked then" "" "$(list .network)"

# Who pretends to be the host does not cut it off.
sl detect set udp-flood-from --threshold 200 --action block --for 1m
gateway=$(lab_in vm1 ip -j route show default | jq -r '.[0].gateway')
lab_in vm1 timeout 3 hping3 -q --udp -p ++1 -a "$gateway" --faster "$LAB_SERVER4" >/dev/null 2>&1 || true
expect "who is blocked" "" "$(list .network)"
lab_in vm1 timeout 3 hping3 -q --udp -p ++1 --faster "$LAB_SERVER4" >/dev/null 2>&1 || true
expect "who is blocked" "10.77.1.11/32" "$(list .network)"
sl block del 10.77.1.11
reach vm1 "$LAB_SERVER4" || fail "it is not let in again"
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
