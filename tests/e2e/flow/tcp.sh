#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TCP's life: the states as they are shown, the port kept when free, a closed tuple opened again.
# tcp.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
serve server 7
state() { ask '.sessions[].state' nat session list proto=tcp sport="$1"; }

for try in 1 2 3; do
    traffic vm1 exchange tcp $LAB_SERVER4 7 1-20 --from-port 20001 --reset
    expect "state after a reset, round $try" closed "$(state 20001)"
done
expect "its port was kept each time" 3 "$(grep -c "^tcp $LAB_WAN4 20001$" "$SERVED")"
traffic vm2 exchange tcp $LAB_SERVER4 7 1-20 --from-port 20001 --reset
other_port_seen() { grep "^tcp $LAB_WAN4 " "$SERVED" | grep -qv " 20001$"; }
expect_soon 2 "a second host with the same port gets another" \
    other_port_seen

# Nobody takes the SYN: dropped beyond the gate, then refused by RST.
lab_in server ip route add blackhole 203.0.113.1
lab_spawn vm1 bash -c "exec 3<>/dev/tcp/$LAB_SERVER4/7"
expect_soon 2 "an unanswered SYN" is 1 .sessions nat session count proto=tcp state=syn-sent
lab_reap $!
lab_in server ip route del blackhole 203.0.113.1

lab_spawn vm1 bash -c "exec 3<>/dev/tcp/$LAB_SERVER4/7; sleep 60"
expect_soon 2 "an open connection" is 1 .sessions nat session count proto=tcp state=established
port=$(ask '.sessions[].source.port' nat session list proto=tcp state=established)
expect "one session flushed" 1 "$(ask .sessions nat session flush proto=tcp sport="$port")"
expect_soon 2 "it is gone" is 0 .sessions nat session count proto=tcp sport="$port"
