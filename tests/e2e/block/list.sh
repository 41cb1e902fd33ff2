#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The block list on live ports: what is listed neither comes in nor is reached, for what is not nothing
# changes; lists are replaced under traffic, end by themselves, and survive a reboot and kill -9.
# list.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
reach() { lab_in "$1" ping -q -c 3 -i 0.05 -W 1 "$2" >/dev/null; }
reaches() {
    reach "$@" || fail "$1 does not reach $2"
    echo "ok: $1 reaches $2"
}
cut_off() {
    ! reach "$@" || fail "$1 reaches $2"
    echo "ok: $1 does not reach $2"
}
blocked() { ask '[.drops[] | select(.reason == "blocked") | .packets] | add // 0' drops; }
list=$LAB_DIR/list

reaches vm1 "$LAB_SERVER4"
reaches vm1 "$LAB_SERVER6"
printf '# a list\n%s ; the server\n%s/128\n198.51.100.0/24\n' "$LAB_SERVER4" "$LAB_SERVER6" >"$list"
sl --dry-run block load "$list" --name outside
reaches vm1 "$LAB_SERVER4"
sl block load "$list" --name outside
cut_off vm1 "$LAB_SERVER4"
cut_off vm1 "$LAB_SERVER6"
reaches vm1 10.77.2.12
expect "why" 6 "$(blocked)"

# Another list in its place: of the two one holds at any moment, so the server stays cut off.
lab_spawn vm1 ping -q -i 0.01 -c 400 -W 1 "$LAB_SERVER4"
pings=$!
for i in {1..10}; do
    printf '%s\n203.0.113.%d\n198.51.100.%d/28\n' "$LAB_SERVER4" $((i + 100)) $((i * 16)) |
        sl block load - --name outside >/dev/null
done
wait $pings || true
expect_match "answers while lists are replaced" ' 0 received' "$(<"$LAB_DIR/$pings.out")"

# And who is on neither is never cut off.
lab_spawn vm2 ping -q -i 0.01 -c 200 -W 1 10.77.1.11
pings=$!
for i in {1..10}; do
    printf '%s\n203.0.113.%d\n10.77.1.12/30\n' "$LAB_SERVER4" $((i + 100)) |
        sl block load - --name outside >/dev/null
done
wait $pings || true
expect_match "pings beside that" ' 0% packet loss' "$(<"$LAB_DIR/$pings.out")"
printf '192.0.2.1\n192.0.2.300\n' >"$LAB_DIR/wrong"
expect_refusal 2 ':2:' block load "$LAB_DIR/wrong" --name outside
cut_off vm1 "$LAB_SERVER4"

# kill -9 at any moment, and what is pinned is gone: the list is there again.
for ((round = 0; round < 5; ++round)); do
    killed_after $((RANDOM * 3000)) block load "$list" --name outside
done
rm -rf "/sys/fs/bpf/sluice/$LAB"
sl restore
cut_off vm2 "$LAB_SERVER4"
sl block clear
reaches vm1 "$LAB_SERVER4"
expect "what is left" 0 "$(ask '.memory + (.sets | length)' block list)"

sl block add "$LAB_SERVER4" --expire 2s
cut_off vm1 "$LAB_SERVER4"
expect "drift" 0 "$(ask '.drift | length' status)"
expect_soon 5 "it ends by itself" reach vm1 "$LAB_SERVER4"
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
