#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Queues of interfaces are put back as found: by `qos del`, `port del` and `down`; a qdisc of somebody
# else stays and is respected; `up`, `restore` and kill -9 leave what was asked for, whole.
# restore.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/qos.sh"
hook=$1

lab_new e2e
lab_routed
bare=$(snapshot vm1 vm2)
bare1=$(snapshot vm1)
gate "$hook"
rates=(--ingress-rate 20mbit --egress-rate 8mbit --shaper htb)
ports=$(snapshot vm1 vm2)

root_of() { lab_in gateway tc -j qdisc show dev "$1" root | jq -r '.[0].kind'; }
tree() { lab_in gateway tc class show dev vm1 | sed -E "s/leaf [^ ]+//" | sort; }
# whole: vm1 has its rates, in words and in the kernel.
whole() {
    expect "rates of vm1" "20000000 8000000 htb" \
        "$(ask '.port | "\(.in.rate) \(.out.rate) \(.out.shaper)"' qos show vm1 --interval 10ms)"
    expect "qdisc of vm1" htb "$(root_of vm1)"
    expect "drift" 0 "$(ask '.drift | length' status)"
}

sl qos set vm1 "${rates[@]}"
whole
made=$(tree)
[[ $made == *"rate 8"* ]] || fail "no class of 8 mbit: $made"
sl qos set vm1 --egress-rate 0
expect "ports, blocked" "$ports" "$(snapshot vm1 vm2)"
sl qos set vm1 "${rates[@]}"
sl qos del vm1
expect "ports after qos del" "$ports" "$(snapshot vm1 vm2)"
expect_refusal 3 "vm1" qos del vm1
expect_refusal 3 "nowhere" qos set nowhere --egress-rate 1mbit

# Somebody else's qdisc.
lab_in gateway tc qdisc add dev vm2 root handle 7: pfifo limit 77
foreign=$(snapshot vm2)
before=$(ask . qos list --interval 10ms)
expect_refusal 4 "tc qdisc del dev vm2 root" qos set vm2 --egress-rate 8mbit
expect_match "and by what it stays" "pfifo 7:" "$(sl qos set vm2 --egress-rate 8mbit 2>&1 || true)"
expect "the interface" "$foreign" "$(snapshot vm2)"
expect "what is set" "$before" "$(ask . qos list --interval 10ms)"
sl qos set vm2 --egress-rate 8mbit --shaper police
expect "the interface, policed" "$foreign" "$(snapshot vm2)"
expect_rate "policed beside a qdisc" 8 vm1 vm2 10.77.2.12
sl qos del vm2
lab_in gateway tc qdisc del dev vm2 root

# It comes while sluice has none there: rates are kept by dropping, and said so.
sl qos set vm1 "${rates[@]}"
lab_in gateway tc qdisc replace dev vm1 root handle 7: pfifo limit 77
expect_match "status tells" "pfifo 7:" "$(sl status 2>&1)"
expect_match "so does restore" "pfifo 7:" "$(sl restore 2>&1)"
expect "its qdisc" pfifo "$(root_of vm1)"
expect_rate "kept beside a qdisc" 8 vm2 vm1 10.77.1.11
lab_in gateway tc qdisc del dev vm1 root
sl restore
whole

# The port goes, the instance goes and comes.
sl port del vm1
expect "the interface after port del" "$bare1" "$(snapshot vm1)"
sl port add vm1 --role access --hook "$hook"
expect "queues of a port added again" noqueue "$(root_of vm1)"
sl qos set vm1 "${rates[@]}"
sl down
expect "interfaces after down" "$bare" "$(snapshot vm1 vm2)"
sl up
whole
expect "classes after up" "$made" "$(tree)"

# Power cut: interfaces and pins are gone, the database is not.
lab_scrap
rm -rf "/sys/fs/bpf/sluice/$LAB"
lab_routed
bare=$(snapshot vm1 vm2)
sl restore
whole
expect "classes after restore" "$made" "$(tree)"
expect_rate "after restore" 8 vm2 vm1 10.77.1.11
lab_in gateway tc qdisc del dev vm1 root
expect_match "status misses the queue" "queue" "$(ask '.drift[].text' status)"
sl restore
whole

# Killed at points spread over the time that the command takes: old or new.
start=$(now_ns)
sl qos set vm1 --egress-rate 9mbit
time=$(($(now_ns) - start))
for ((round = 0; round < 6; round++)); do
    sl qos set vm1 "${rates[@]}" >/dev/null
    killed_after $((time * round / 5)) qos set vm1 --ingress-rate 30mbit --egress-rate 9mbit
    found=$(ask '.port | "\(.in.rate) \(.out.rate)"' qos show vm1 --interval 10ms)
    expect_match "rates after kill -9" '^(20000000 8000000|30000000 9000000)$' "$found"
    sl restore >/dev/null
    expect "drift" 0 "$(ask '.drift | length' status)"
    expect "rates after restore" "$found" \
        "$(ask '.port | "\(.in.rate) \(.out.rate)"' qos show vm1 --interval 10ms)"
    classes=$(tree)
    expect_match "rate of the class" "rate ${found: -7:1}[0-9.]*Mbit|rate ${found: -7:1}[0-9]{3}Kbit" "$classes"
done
sl down --purge
expect "interfaces in the end" "$bare" "$(snapshot vm1 vm2)"
