#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The shortcut past a Linux bridge: the bridge stays in charge. When a port is blocked by spanning
# tree, disabled or taken out, nothing passes any more within 200 ms; what the bridge lets through
# again passes again.
# shortcut.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
hook=$1

lab_new e2e
lab_bridged
stp() { ip -n "$LAB-gateway" link set br0 type bridge stp_state "$@"; }
is_in_state() { # VM STATE
    [[ $(lab_in gateway bridge -j link show dev "$1" | jq -r '.[].state') == "$2" ]]
}
stp 1 forward_delay 200 # 2 s, the shortest: ports forward after 4 s
gate "$hook"
serve vm2 9
for vm in vm1 vm2; do
    expect_soon 8 "$vm may send" is_in_state $vm forwarding
done

counted_in() { # WHAT: forwarded (by us), passed (to the bridge)
    ask ".counters[] | select(.port == \"vm1\" and .direction == \"rx\") | .$1.packets" stats
}
# talks SECONDS: vm1 and vm2 do, 200 datagrams a second each way; counts in $forwarded, $passed.
talks() {
    forwarded=$(counted_in forwarded) passed=$(counted_in passed)
    traffic vm1 chat 10.77.0.12 9 "$1" >"$LAB_DIR/talk"
    forwarded=$(($(counted_in forwarded) - forwarded)) passed=$(($(counted_in passed) - passed))
    expect "datagrams that were answered" true "$(jq '.sent == .received and .sent > 40' "$LAB_DIR/talk")"
}

talks 0.5
expect "without it: forwarded by us" 0 "$forwarded"
for vm in vm1 vm2; do
    sl port set $vm --shortcut on
done
talks 0.5
expect_within "with it: forwarded by us" 40 1000 "$forwarded"
expect_within "with it: samples that the bridge got" 4 20 "$passed"

# arrival: when the last datagram for vm2 came, in ms.
arrival() {
    tcpdump -tt -n -r "$WITNESSED" "udp dst port 9" 2>/dev/null |
        tail -n 1 | awk '{ printf "%.0f", $1 * 1000 }'
}
# silenced WHAT COMMAND...: from then on, nothing of a conversation passes; $talk is its process.
silenced() {
    local when
    witness vm2
    lab_spawn vm1 "$E2E_HARNESS/traffic.py" chat 10.77.0.12 9 1.2
    talk=$!
    sleep 0.4
    "${@:2}"
    when=$(($(now_ns) / 1000000))
    sleep 0.6
    witness_end
    expect_within "$1: ms until the last datagram" -100 500 $(($(arrival) - when))
    wait "$talk"
}
# bpdu NUMBER: of the root of all spanning trees, by one of its ports.
bpdu() {
    local id=0000020000000001
    echo "0180c2000000${id:4}00264242030000000000${id}00000000${id}800${1}0000140002000200"
}

# Both lead to one root: the second is blocked.
traffic vm1 whisper eth0 "$(bpdu 1)" 1
silenced "vm2 is blocked by spanning tree" traffic vm2 whisper eth0 "$(bpdu 2)" 1
expect_soon 1 "it was" is_in_state vm2 blocking
stp 0
ip -n "$LAB-gateway" link set vm2 nomaster # it would stay blocked
ip -n "$LAB-gateway" link set vm2 master br0
talks 0.5
expect_within "forwarded by us again" 40 1000 "$forwarded"
silenced "vm1 is disabled" lab_in gateway bridge link set dev vm1 state 0
lab_in gateway bridge link set dev vm1 state 3
talks 0.5
expect_within "forwarded by us again" 40 1000 "$forwarded"
silenced "vm2 is taken out" ip -n "$LAB-gateway" link set vm2 nomaster
expect "counters hold" true "$(ask .consistent stats)"
