#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rates of ports of the switch, with tags and without; DSCP trusted, cleared and set; 802.1Q priority
# by DSCP and the other way.
# switched.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
. "$E2E_HARNESS/switch.sh"
. "$E2E_HARNESS/qos.sh"
hook=$1

lab_new e2e
lab_switched
number a1 11 a2 12
switch_up "$hook"
sl port add trunk --role trunk --vlans 10,20 --hook tc # XDP does not see a veth's tags
# One that is behind the trunk.
beyond=02:00:5e:00:53:03
sl switch fdb add $beyond --vlan 10 --port trunk
for address in 10.77.0.13 fd77::13; do
    ip -n "$LAB-a1" neigh add $address lladdr $beyond dev eth0
done

# expect_rate_beyond WHAT MBIT ADDRESS: the same as expect_rate, from a1 out by the trunk.
expect_rate_beyond() {
    local before after pps=$(($2 * 1000000 / 8 / 1250))
    read -r before _ < <(received_by far)
    traffic a1 pour "$3" 9000 $((pps * 4)) 1 1200 >/dev/null
    read -r after _ < <(received_by far)
    expect_within "$1: datagrams that come" $((pps / 2)) $((pps * 2)) $((after - before))
}

sl qos set a1 --ingress-rate 8mbit --ingress-burst 100kb
expect_rate "from a switched port" 8 a1 a2 10.77.0.12
expect_rate_beyond "out by the trunk" 8 fd77::13
sl qos set a1 --ingress-rate unlimited
for shaper in htb police; do
    sl qos set trunk --egress-rate 8mbit --egress-burst 100kb --shaper $shaper
    expect_rate_beyond "to the trunk, $shaper" 8 10.77.0.13
done
sl qos set trunk --egress-rate unlimited --ingress-rate 64kbit --ingress-burst 100kb
frame "$(mac a1 eth0)" $beyond 8100000a
dropped=$(dropped qos-rate)
read -r before _ < <(received_by a1)
traffic far whisper eth0 "$FRAME$(printf '00%.0s' {1..940})" 1000
read -r after _ < <(received_by a1)
expect_within "of 1000 frames of 1000 bytes with a tag, those of 100 kB" 50 102 $((after - before))
expect_soon 3 "the others are dropped" is_dropped $((dropped + 1000 - after + before)) qos-rate
sl qos del trunk

# dscps FROM TO ADDRESS DSCP: those that arrive.
dscps() {
    pour "$1" "$2" "$3" 9000 200 0.1 --dscp "$4"
    jq -r '.dscps | keys | join(" ")' <<<"$CAME_JSON"
}
for address in 10.77.0.12 fd77::12; do
    for policy in trust:34 clear:0 ef:46 11:11; do
        sl qos set a1 --dscp ${policy%:*} >/dev/null
        expect "DSCP 34 to $address by ${policy%:*}" ${policy#*:} "$(dscps a1 a2 $address 34)"
    done
done

# packet DSCP TAG: $FRAME, by IPv4, to a1 from beyond.
packet() {
    local word sum=0 header=(4500 0024 0001 4000 4011 0000 0a4d 000d 0a4d 000b)
    header[0]=$(printf '45%02x' $(($1 << 2)))
    for word in "${header[@]}"; do sum=$((sum + 0x$word)); done
    header[5]=$(printf '%04x' $((0xffff - (sum & 0xffff) - (sum >> 16))))
    MARK=$(printf '%08x' $((RANDOM << 15 | RANDOM)))736c7563
    to=$(mac a1 eth0)
    FRAME="${to//:/}${beyond//:/}$2""0800$(printf %s "${header[@]}")2710271000100000$MARK"
}
# tags DSCP: the tag with which a1's datagrams leave by the trunk.
tags() {
    witness far
    traffic a1 pour 10.77.0.13 9000 100 0.1 64 --dscp "$1" >/dev/null
    expect_soon 3 "DSCP $1 leaves by the trunk" came
    witness_end
    tcpdump -e -n -r "$WITNESSED" "vlan 10 and udp port 9000" 2>/dev/null |
        grep -o 'vlan 10, p [0-7]' | sort -u
}
came() { (($(witnessed "vlan 10 and udp port 9000") > 0)); }

sl qos set a1 --dscp trust --pcp-from-dscp 46:5,34:4
for pair in 46:5 34:4 0:0; do
    expect "tag of DSCP ${pair%:*}" "vlan 10, p ${pair#*:}" "$(tags ${pair%:*} | tail -n 1)"
done
sl qos set trunk --dscp-from-pcp 5:46
for case in a00a:0:46 400a:7:16; do # the rest: priority * 8
    IFS=: read -r tag dscp becomes <<<"$case"
    packet "$dscp" "8100$tag"
    hears a1 traffic far whisper eth0 "$FRAME" 1
    packet "$becomes" "" # with the checksum that it should have
    expect "the header of DSCP $dscp tagged $tag" "${FRAME:24:44}" "${HEARD:24:44}"
done
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
