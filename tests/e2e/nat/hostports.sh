#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A port that the gateway's own sockets use, or may draw, is never handed out.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
lab_in gateway sysctl -qw net.ipv4.ip_local_port_range="33000 65000"
serve gateway 2003 # there before the pool
# One client takes every port, which its share would refuse.
lab_up --host-share off
sl port add vm1 --role access
sl port add wan --role uplink
sl nat masquerade add --source $LAB_NET4 --uplink wan --ports 2000-2009
expect "reserved by the listener" 1 \
    "$(ask '.pools[] | select(.protocol == "udp") | .reserved' nat pool show)"
serve gateway 2007 # and one that came later

serve server 7
# The sessions ask for the very ports; eight of ten can be had.
for port in 2003 2007 $(seq 2000 2009); do
    traffic vm1 exchange udp $LAB_SERVER4 7 1 --from-port "$port" >/dev/null || true
done
expect "ports handed out" "2000 2001 2002 2004 2005 2006 2008 2009" \
    "$(grep ^udp "$SERVED" | cut -d' ' -f3 | sort -un | xargs)"
for port in 2003 2007; do
    traffic server exchange udp $LAB_WAN4 $port 1-5
    traffic server exchange tcp $LAB_WAN4 $port 1-5
done
echo "ok: the gateway's own servers are reached"

expect_refusal 4 "ip_local_port_range" \
    nat masquerade add --source 10.88.0.0/16 --uplink wan --ports 40000-40999
expect_match "what is left out is told" "33000|28001|32001" \
    "$(sl nat masquerade add --source 10.88.0.0/16 --uplink wan --ports 3000-65535 2>&1)"
