#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A full flow table refuses the new and keeps the old.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
# One client fills it, which its share would refuse.
lab_up --host-share off --max-flows 1000 --max-bindings 5000
sl port add vm1 --role access
sl port add wan --role uplink
sl nat masquerade add --source $LAB_NET4 --uplink wan --ports 1024-32000

serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-3 --from-port 30000
traffic vm1 flood eth0 "$(mac gateway vm1)" 10.77.1.11 1024-3023 $LAB_SERVER4 9
expect "sessions, two flows each" 500 "$(ask .sessions nat session count)"
expect "the rest is refused" "flows-full 1501" \
    "$(ask '.drops[] | "\(.reason) \(.packets)"' drops)"
traffic vm1 exchange udp $LAB_SERVER4 7 1-3 --from-port 30000
echo "ok: a session from before goes on"
expect "no port is lost to a refused session" 500 \
    "$(ask '.pools[] | select(.protocol == "udp") | .used' nat pool show)"
