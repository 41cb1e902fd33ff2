#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Sessions end by themselves, each protocol by its own timeout, and give their ports back, while
# nothing of ours runs.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
gate tc --udp-timeout 1s --icmp-timeout 1s --tcp-transitory-timeout 2s \
    --tcp-established-timeout 8s
serve server 7
free_ports() { ask '[.pools[].free] | add' nat pool show; }
free=$(free_ports)

# A connection that stays open, one that was closed, one that nobody answers (a SYN alone).
lab_spawn vm1 bash -c "exec 3<>/dev/tcp/$LAB_SERVER4/7; sleep 60"
open=$!
expect_soon 2 "a connection" is 1 .sessions nat session count proto=tcp state=established
traffic vm1 exchange tcp $LAB_SERVER4 7 1-3
ip -n "$LAB-server" route add blackhole 203.0.113.200
lab_spawn vm1 bash -c "exec 3<>/dev/tcp/203.0.113.9/7"
traffic vm1 exchange udp $LAB_SERVER4 7 1-3
traffic vm1 exchange udp $LAB_SERVER6 7 1-3
lab_in vm1 ping -q -c 1 $LAB_SERVER4
sessions=$(ask .sessions nat session count)
expect_within "sessions at first" 5 7 "$sessions"
expect_within "ports taken" 4 6 $((free - $(free_ports)))

# Other cases run beside this one; an instance is in the command line of its processes.
for process in /proc/[0-9]*; do
    [[ $(readlink "$process/exe" || true) == "$SLUICE" ]] || continue
    ! grep -qaF "$LAB" "$process/cmdline" 2>/dev/null || fail "a process of ours runs: $process"
done
echo "ok: nothing of ours runs"

expect_soon 5 "UDP and ICMP sessions are gone" is 0 .sessions nat session count proto=udp
expect_soon 1 "ICMP too" is 0 .sessions nat session count proto=icmp
expect_soon 5 "closed connections are gone, the open one lives" is 1 .sessions nat session count
expect "it is the open one" established "$(ask '.sessions[].state' nat session list)"
lab_reap "$open"
expect_soon 12 "it goes too" is 0 .sessions nat session count
expect "all ports are back" "$free" "$(free_ports)"
expect "bindings" 0 "$(ask .bindings.used status)"
