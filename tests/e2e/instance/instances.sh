#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two instances in two namespaces run at once and know nothing of each other.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
lab_host gateway2 vm3
lab_link gateway2 wan server eth1 1500
lab_addr gateway2 wan 198.51.100.1/24
lab_addr server eth1 198.51.100.9/24
lab_link gateway2 vm3 vm3 eth0 1500
lab_addr gateway2 vm3 10.77.1.1/24 # the same network as vm1's
lab_addr vm3 eth0 10.77.1.11/24
lab_gateways vm3 10.77.1.1
second() { "$SLUICE" --instance "$LAB-2" "$@"; }

gate tc
second --netns "$LAB-gateway2" up
second port add vm3 --role access
second port add wan --role uplink
second nat masquerade add --source $LAB_NET4 --uplink wan

serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-10 --from-port 20001
traffic vm3 exchange udp 198.51.100.9 7 1-10 --from-port 20001
expect "clients seen" "udp $LAB_WAN4 20001 udp 198.51.100.1 20001" \
    "$(cut -d' ' -f1-3 "$SERVED" | xargs)"
expect "sessions of the first" 1 "$(ask .sessions nat session count)"
expect "sessions of the second" 1 "$(second --json nat session count | jq .sessions)"

refusal=$(second --netns "$LAB-gateway" up 2>&1) && fail "up twice was taken"
expect_match "up twice is refused" "up" "$refusal"
third() { "$SLUICE" --instance "$LAB-3" "$@"; }
third --netns "$LAB-gateway" up
refusal=$(third port add wan --role uplink 2>&1) && fail "a port in two instances was taken"
expect_match "a port belongs to one instance" "$LAB" "$refusal"


# Both at the same moment: one has it, the other is refused, and nothing is left of what was tried.
taken=0
for round in 1 2 3 4 5 6; do
    ip -n "$LAB-gateway" link add "both$round" type veth peer name "other$round"
    racers=()
    for instance in "$LAB" "$LAB-3"; do
        "$SLUICE" --instance "$instance" port add "both$round" --role access \
            >"$LAB_DIR/$instance.race" 2>&1 &
        racers+=($!)
    done
    for racer in "${racers[@]}"; do wait "$racer" || true; done
    with=$(grep -l "added" "$LAB_DIR/$LAB.race" "$LAB_DIR/$LAB-3.race" | wc -l)
    refused=$(grep -l "is a port of instance" "$LAB_DIR/$LAB.race" "$LAB_DIR/$LAB-3.race" | wc -l)
    [[ $with == 1 && $refused == 1 ]] && ((++taken))
done
expect "interfaces that one of two instances has" 6 "$taken"
expect "drift of the first" 0 "$(ask '.drift | length' status)"
expect "drift of the other" 0 "$(third --json status | jq '.drift | length')"

# What another has taken meanwhile is told and left alone, by a dry run as well; the rest is up.
ip -n "$LAB-gateway" link add lent type veth peer name lent0
third port add lent --role access
third down
sl port add lent --role access
for attempt in up "--dry-run restore" restore; do
    code=0
    # shellcheck disable=SC2086 # two words
    third $attempt >"$LAB_DIR/said" 2>&1 || code=$?
    expect "exit code of the other's $attempt" 7 "$code"
    expect_match "what it says" "lent is a port of instance $LAB" "$(<"$LAB_DIR/said")"
    expect "lent is as it was" "tcx 0" \
        "$(ask '.port.tc_ingress.method' port show lent) $(ask '.drift | length' status)"
done
third port del lent
sl port del lent

# One that went and came again belongs to who takes it first. Who has lost it is told by status,
# which waits for nobody's change.
ip -n "$LAB-gateway" link add again type veth peer name again-end
sl port add again --role access
ip -n "$LAB-gateway" link del again
ip -n "$LAB-gateway" link add again type veth peer name again-end
third port add again --role access
lab_spawn gateway flock --no-fork /sys/fs/bpf/sluice sleep 60
holder=$!
lab_wait 5 bash -c '! flock -n /sys/fs/bpf/sluice true'
expect_match "what has drifted" "again is a port of instance $LAB-3" \
    "$(timeout 10 "$SLUICE" --instance "$LAB" --json status | jq -r '.drift[]')"
lab_reap "$holder"

second down
traffic vm1 exchange udp $LAB_SERVER4 7 1-10 --from-port 20001
echo "ok: the first goes on without the second"
