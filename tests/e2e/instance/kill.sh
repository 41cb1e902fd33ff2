#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 in the middle of every command that changes something: afterwards `status` works, the
# command can be given again, and the state is the old or the new one.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
rounds=$((${SLUICE_TEST_LONG:-0} ? 40 : 2))

# killed UNDO ARGUMENTS...: the command is killed at `rounds` points spread over the time that it
# takes, and given again each time; UNDO takes back what it did.
killed() {
    local undo=$1 round start time code
    shift
    start=$(now_ns)
    sl "$@" >/dev/null
    time=$(($(now_ns) - start))
    $undo
    for ((round = 0; round < rounds; round++)); do
        killed_after $((time * (round + 1) / (rounds + 1))) "$@"
        code=0
        sl --json status >"$LAB_DIR/status" || code=$?
        # 3: killed before there was an instance.
        [[ $code == 0 || ($code == 3 && $* == *up) ]] ||
            fail "status after a killed $*: exit code $code: $(<"$LAB_DIR/status")"
        code=0
        sl "$@" >"$LAB_DIR/again" 2>&1 || code=$?
        # 3, 4: it is gone or there already, because the killed one had done it.
        [[ $code == 0 || ($code =~ ^[34]$ && $1 != restore) ]] || fail "$* again: exit code $code: $(<"$LAB_DIR/again")"
        settled "$@"
        $undo
    done
    echo "ok: $* killed $rounds times"
}

# settled COMMAND...: the kernel is what the database says.
settled() {
    [[ $1 == down ]] && return
    [[ $(ask '.drift | length' status) == 0 ]] ||
        fail "drift after $*: $(ask '.drift[].text' status)"
}
nothing() { :; }

undo_up() { sl down --purge >/dev/null; }
killed undo_up --netns "$LAB-gateway" up

sl --netns "$LAB-gateway" up
sl port add vm2 --role access --hook xdp
sl port add wan --role uplink
undo_port() { sl port del vm1 >/dev/null; }
before=$(snapshot vm1)
killed undo_port port add vm1 --role access --hook xdp
expect "the interface after all that" "$before" "$(snapshot vm1)"

undo_masquerade() { sl nat masquerade del --source $LAB_NET4 --uplink wan >/dev/null; }
killed undo_masquerade nat masquerade add --source $LAB_NET4 --uplink wan
undo_forward() { sl nat forward del --proto tcp --external $LAB_WAN4:8000-8099 >/dev/null; }
killed undo_forward nat forward add --proto tcp --external $LAB_WAN4:8000-8099 \
    --internal 10.77.1.11:8000-8099

# The other way round.
add_port() { sl port add vm1 --role access --hook xdp >/dev/null; }
add_port
killed add_port port del vm1
add_masquerade() { sl nat masquerade add --source $LAB_NET4 --uplink wan >/dev/null; }
add_masquerade
killed add_masquerade nat masquerade del --source $LAB_NET4 --uplink wan
add_forward() {
    sl nat forward add --proto tcp --external $LAB_WAN4:8000-8099 \
        --internal 10.77.1.11:8000-8099 >/dev/null
}
add_forward
killed add_forward nat forward del --proto tcp --external $LAB_WAN4:8000-8099

# With sessions there, and with the kernel's half of the state gone.
serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-10
talk() { traffic vm1 exchange udp $LAB_SERVER4 7 1 >/dev/null; }
killed talk nat session flush
power_cut() {
    rm -rf "/sys/fs/bpf/sluice/$LAB"
    for port in vm1 vm2; do
        ip -n "$LAB-gateway" link set dev $port xdpdrv off
    done
}
power_cut
killed power_cut restore
# Somebody removed the pins, but not what they pinned.
sl restore
lost_pins() { rm -rf "/sys/fs/bpf/sluice/$LAB"; }
lost_pins
killed lost_pins restore
sl restore
up_again() { sl up >/dev/null; }
killed up_again down

expect "ports in the end" "vm1 vm2 wan" "$(ask '[.ports[] | select(.tc_ingress) | .name] | sort | join(" ")' status)"
traffic vm1 exchange udp $LAB_SERVER4 7 1-50
traffic server exchange udp $LAB_WAN4 8000 1 && fail "a UDP forward from nowhere"
serve vm1 8000
traffic server exchange tcp $LAB_WAN4 8000 1-50
sl down
expect "the interface in the end" "$before" "$(snapshot vm1)"
