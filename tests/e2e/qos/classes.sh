#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Classes: on a full port calls lose nothing while bulk does, and arrive as EF; the others share by
# weight. Then the same by a policer, which has no queue to keep anybody waiting in.
# classes.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/qos.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
vm1=10.77.1.11 vm2=10.77.2.12
sl qos class add voice --match app=voip --priority 0 --max 30% --dscp ef
expect_refusal 4 "starve" qos class add greedy --match app=ssh --priority 1
expect_refusal 4 "100 %" qos class add greedy --match app=ssh --priority 1 --max 70%
expect_refusal 2 "app" qos class add other --match app=voice
expect "classes" "voice default" "$(ask '[.classes[].name] | join(" ")' qos class list)"

# of_class NAME JQ
of_class() { ask ".port.classes[] | select(.name == \"$1\") | $2" qos show vm1 --interval 10ms; }
# call: 40 calls are set up and ended, and RTP is poured meanwhile; SIPp fails if one call fails.
call() {
    local phones rtp
    lab_spawn vm1 sipp -sn uas -i $vm1 -nostdin
    lab_wait 5 lab_listening vm1 5060 || fail "no SIPp on vm1"
    phones=$!
    lab_spawn vm2 sipp -sn uac $vm1 -i $vm2 -r 20 -m 40 -d 100 -timeout 20 -nostdin
    rtp=$!
    pour vm2 vm1 $vm1 16400 400 2
    wait $rtp || fail "calls failed: $(grep -a 'Failed call' "$LAB_DIR/$rtp.out" | tail -n 1)"
    lab_reap "$phones"
    expect "DSCP of $SENT RTP datagrams that arrived" "{\"46\":$SENT}" "$(jq -c .dscps <<<"$CAME_JSON")"
}

sl qos set vm1 --egress-rate 20mbit --shaper htb
stream vm2 vm1 $vm1 6 -P 4
expect_soon 3 "bulk fills the port" is true '.port.queue // .port.out.queue | .bytes > 1500' qos show vm1
voice=$(of_class voice .sent.packets)
call
expect_within "voice that was counted" $((SENT + 3 * 40)) $((SENT + 8 * 40)) \
    $(($(of_class voice .sent.packets) - voice))
expect "voice that found its queue full" 0 "$(of_class voice .queue.dropped)"
expect_within "bulk that did" 1 1000000 "$(of_class default .queue.dropped)"
stream_end
expect_within "Mbit/s of bulk beside 4 of voice" 8 18 "$MBIT"
expect "classes count what the port does" "$(ask '.port.out.conformed.bytes' qos show vm1)" \
    "$(ask '[.port.classes[].sent.bytes] | add' qos show vm1)"

# Strict, but capped: voice that is too much does not starve the others.
lab_spawn vm2 "$E2E_HARNESS/traffic.py" pour $vm1 16400 2000 3 1200
stream vm2 vm1 $vm1 2
stream_end
expect_within "Mbit/s of bulk beside voice for 20" 8 18 "$MBIT"
sl qos class del voice

# Weights.
for weight in 1 2 4; do
    sl qos class add "w$weight" --match port=600$weight --weight $weight
done
for weight in 1 2 4; do
    lab_spawn vm2 "$E2E_HARNESS/traffic.py" pour $vm1 600$weight 2000 3 1200
done
sleep 1
read -r all one two four < <(ask '[.port.out, .port.classes[:3][] | .achieved / 1e3 | floor] |
    join(" ")' qos show vm1 --interval 1500ms)
expect_within "kbit/s in all" 15000 25000 "$all"
expect_within "100 times class w2 of w1" 150 250 $((100 * two / one))
expect_within "100 times class w4 of w1" 300 500 $((100 * four / one))
wait

# Without a queue classes are counted and marked.
sl qos class add marked --match vlan=7 --match "proto=udp dscp=af41" --dscp 11
sl qos set vm1 --shaper police
pour vm2 vm1 $vm1 9000 500 0.2 --dscp 34
expect "DSCP that the class gives" "{\"11\":$SENT}" "$(jq -c .dscps <<<"$CAME_JSON")"
expect "what the class counted" "$SENT" "$(of_class marked .sent.packets)"
for class in w1 w2 w4 marked; do sl qos class del $class; done
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
