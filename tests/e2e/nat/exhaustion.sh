#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# 100 000 sessions want one of 60 000 ports: as many as there are ports get one and keep it, the rest
# are refused and counted, and ports come back.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
lab_addr vm1 eth0 10.77.1.12/24
# The host's own range is elsewhere, so that the pool is whole.
lab_in gateway sysctl -qw net.ipv4.ip_local_port_range="63000 65000"
# Two clients fill it, which their shares would refuse.
lab_up --host-share off --udp-timeout 20s
sl port add vm1 --role access
sl port add wan --role uplink
sl nat masquerade add --source $LAB_NET4 --uplink wan --ports 2000-61999

# flood ROUND SOURCES PORTS: all sessions send one datagram; who arrived as whom goes to the file.
flood() {
    local collector
    lab_spawn server "$E2E_HARNESS/traffic.py" collect 9 1.5
    collector=$!
    lab_wait 5 lab_listening server 9
    traffic vm1 flood eth0 "$(mac gateway vm1)" "$2" "$3" $LAB_SERVER4 9
    wait "$collector"
    mv "$LAB_DIR/$collector.out" "$LAB_DIR/$1"
}
refused() { ask '.pools[] | select(.protocol == "udp") | .refused' nat pool show; }

flood first 10.77.1.11,10.77.1.12 1024-51023
expect "sessions that got through" 60000 "$(wc -l <"$LAB_DIR/first")"
expect "distinct external ports" 60000 "$(cut -d: -f2 "$LAB_DIR/first" | sort -u | wc -l)"
expect "refused" 40000 "$(refused)"
expect "drops" "ports-exhausted 40000" "$(ask '.drops[] | "\(.reason) \(.packets)"' drops)"
expect "free ports" 0 "$(ask '.pools[] | select(.protocol == "udp") | .free' nat pool show)"
expect "live sessions" 60000 "$(ask .sessions nat session count)"

flood second 10.77.1.11,10.77.1.12 1024-51023
cmp "$LAB_DIR/first" "$LAB_DIR/second" || fail "a live session was lost or changed its port"
echo "ok: every live session was kept, port and all"
expect "listed" 60000 "$(ask '.sessions | length' nat session list)"

expect "flushed" 60000 "$(ask .sessions nat session flush)"
expect_soon 15 "flushed sessions are gone" is 0 .sessions nat session count
expect "free ports" 60000 "$(ask '.pools[] | select(.protocol == "udp") | .free' nat pool show)"
flood third 10.77.1.12 1024-3023
expect "new sessions get ports again" 2000 "$(wc -l <"$LAB_DIR/third")"
expect "counters hold" true "$(ask .consistent stats)"
