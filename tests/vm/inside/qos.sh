#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A kernel that has fq: what leaves is spaced by its times of departure; and by HTB, if that is asked
# for or classes need it. Runs in the guest of linux61.sh.
# qos.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/qos.sh"
hook=$1

lab_new e2e
lab_routed
before=$(snapshot vm1)
gate "$hook"

# expect_shaped BY: to vm1, offered twice of 2 mbit, 201 datagrams a second come, after the burst.
expect_shaped() {
    expect "what leaves vm1 is shaped by" "$1" "$(ask .port.out.shaper qos show vm1 --interval 10ms)"
    expect "its qdisc" "$1" "$(lab_in gateway tc -j qdisc show dev vm1 root | jq -r '.[0].kind')"
    pour vm2 vm1 10.77.1.11 9000 400 4
    expect_within "datagrams a second by $1" 181 221 "$(jq '.pace | round' <<<"$CAME_JSON")"
    expect "drift" 0 "$(ask '.drift | length' status)"
}

sl qos set vm1 --egress-rate 2mbit
expect_shaped fq
sl qos class add voice --match app=voip --priority 0 --max 20%
expect "with classes" htb "$(lab_in gateway tc -j qdisc show dev vm1 root | jq -r '.[0].kind')"
sl qos class del voice
expect "without" fq "$(lab_in gateway tc -j qdisc show dev vm1 root | jq -r '.[0].kind')"
sl qos set vm1 --shaper htb
expect_shaped htb
sl qos del vm1
sl down
expect "vm1 as it was before" "$before" "$(snapshot vm1)"
