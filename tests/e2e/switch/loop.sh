#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The classic accident: two patch cables lead to one switch that knows no spanning tree, in the same
# VLAN. Within a second the loop is cut and reported with both ports, and others notice little. And a
# bridge with a spanning tree where a VM should be: its port is shut.
# loop.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
switch_up "$hook"
number a1 11 a2 12 b1 21 b2 22

# closet: the switch at the other end of the cables, and a host behind it.
lab_host closet behind
ip -n "$LAB-closet" link add br0 type bridge stp_state 0
ip -n "$LAB-closet" link set br0 up
for cable in 1 2; do
    lab_link gateway patch$cable closet patch$cable 1500
    ip -n "$LAB-closet" link set patch$cable master br0
done
lab_link closet host behind eth0 1500
ip -n "$LAB-closet" link set host master br0
number behind 31
ip -n "$LAB-closet" link set patch2 down
for cable in 1 2; do
    sl port add patch$cable --role access --vlan 10 --hook "$hook"
done
lab_in a1 ping -q -c 3 -i 0.01 -W 2 10.77.0.31
echo "ok: one cable"

# looped: whether an event names both cables that is newer than $newest.
newest=0
looped() {
    [[ $(ask "any(.events[]; .kind == \"loop\" and .number > $newest and
        ([.port, .other_port] | sort == [\"patch1\", \"patch2\"]))" events) == true ]]
}
received() { ip -n "$LAB-$1" -s -j link show dev eth0 | jq '.[].stats64.rx.packets'; }
now_ms() { date +%s%3N; }
# still HOST: it is flooded no more.
still() {
    local before
    before=$(received "$1")
    sleep 0.2
    (($(received "$1") - before < 20))
}

lab_spawn b2 "$E2E_HARNESS/traffic.py" serve 9
lab_wait 5 lab_listening b2 9
lab_spawn b1 "$E2E_HARNESS/traffic.py" chat 10.77.0.22 9 4
chat=$!
before=$(received a2)
start=$(now_ms)
ip -n "$LAB-closet" link set patch2 up
frame ff:ff:ff:ff:ff:ff "$(mac a1 eth0)"
until looped; do
    (($(now_ms) - start < 5000)) || fail "no event: $(ask '.events[-1]' events)"
    traffic a1 whisper eth0 "$FRAME" 1
done
expect_within "ms until it was reported" 0 4000 "$(($(now_ms) - start))"
expect_soon 1 "the storm is over" still a2
expect_within "frames of the storm that reached a VM" 1 200000 $(($(received a2) - before))
lab_in a1 ping -q -c 3 -i 0.01 -W 2 10.77.0.12
# From behind: the other switch may have learned that host on the wrong side, too.
lab_in behind ping -q -c 3 -i 0.01 -W 2 10.77.0.11
echo "ok: its VLAN goes on, and one of the cables"
wait "$chat" || fail "chat in the other VLAN: $(<"$LAB_DIR/$chat.out")"
expect_within "ms of silence in the other VLAN" 0 1500 "$(jq .silence_ms "$LAB_DIR/$chat.out")"

# Pulled out again and opened, both may be used.
ip -n "$LAB-closet" link set patch1 down
for cable in 1 2; do
    sl switch port open patch$cable
done
sl switch fdb flush
lab_in a1 ping -q -c 3 -i 0.01 -W 2 10.77.0.31
newest=$(ask '.events[-1].number // 0' events)
echo "ok: the other cable alone works, once opened"
ip -n "$LAB-closet" link set patch1 up
lab_spawn a1 bash -c "while :; do ping -q -c 1 -W 0.1 -b 10.77.0.255; done"
expect_soon 2 "the loop is found again" looped
lab_reap $!

# BPDU guard.
sl switch port set b2 --bpdu shut
lab_in b1 ping -q -c 1 -W 2 10.77.0.22
ip -n "$LAB-b2" link add br0 type bridge stp_state 1 forward_delay 200 hello_time 100
ip -n "$LAB-b2" link set eth0 master br0
ip -n "$LAB-b2" link set br0 up
expect_soon 5 "a BPDU is reported" is true 'any(.events[]; .kind == "bpdu" and .port == "b2")' events
ip -n "$LAB-b2" link set eth0 nomaster
if lab_in b1 ping -q -c 2 -i 0.1 -W 0.5 10.77.0.22; then fail "its port is open"; fi
sl switch port open b2
lab_in b1 ping -q -c 3 -i 0.1 -W 2 10.77.0.22
echo "ok: it was shut, and works once opened"
expect "counters hold" true "$(ask .consistent stats)"
