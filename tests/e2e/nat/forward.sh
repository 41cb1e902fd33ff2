#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Permanent mappings: single ports and ranges, 600 of them, from outside and from inside (hairpin).
# forward.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"
serve vm1 80

# Each by a command of its own: the one under test and its neighbours.
for port in $(seq 8000 8099); do
    sl nat forward add --proto tcp --external "$LAB_WAN4:$port" --internal 10.77.1.11:80 >/dev/null
done
sl nat forward add --proto udp --external "$LAB_WAN4:8000" --internal 10.77.1.11:80
sl nat forward add --proto tcp --external "$LAB_WAN4:9000-9499" --internal 10.77.1.11:9000-9499
expect "forwards listed" 102 "$(ask '.forwards | length' nat forward list)"

traffic server exchange tcp $LAB_WAN4 8000 1-60,1500,70000 --from-port 45678
expect_soon 2 "the inside sees the outside client as it is" client_seen "^tcp $LAB_SERVER4 45678$"
traffic server exchange tcp $LAB_WAN4 8099 1-10
traffic server exchange udp $LAB_WAN4 8000 1-60,1400-1472 --from-port 45679
expect_soon 2 "likewise by UDP, one hop further" client_seen "^udp $LAB_SERVER4 45679 ttl 63$"

# A range maps port to port, first and last included.
for port in 9000 9250 9499; do
    serve vm1 $port
    traffic server exchange tcp $LAB_WAN4 $port 1-10
    expect_soon 2 "port $port of the range arrives at $port" client_seen "^tcp $LAB_SERVER4"
done

# From inside: the client comes from the external address, or its answers would go astray.
serve vm1 9001
for client in vm2 vm1; do
    traffic "$client" exchange tcp $LAB_WAN4 9001 1-60,1500,70000
    expect_soon 2 "$client reaches it by the external address" client_seen "^tcp $LAB_WAN4 "
done
traffic vm2 exchange udp $LAB_WAN4 8000 1-60,1400-1472
echo "ok: likewise by UDP"

expect_refusal 4 "8000" nat forward add --proto tcp --external $LAB_WAN4:8000 --internal 10.77.2.12:80
expect_refusal 4 "9499|9000" nat forward add --proto tcp --external $LAB_WAN4:9499-9600 \
    --internal 10.77.2.12:9499-9600
sl nat forward del --proto tcp --external $LAB_WAN4:8099
if traffic server exchange tcp $LAB_WAN4 8099 1; then fail "a removed forward still forwards"; fi
echo "ok: a removed forward is gone"
traffic server exchange tcp $LAB_WAN4 8098 1-10
sl nat forward del --proto tcp --external $LAB_WAN4:8000
if traffic server exchange tcp $LAB_WAN4 8000 1; then fail "a removed forward still forwards"; fi
traffic server exchange udp $LAB_WAN4 8000 1-60
echo "ok: of two protocols at one port the other one stays"
expect "counters hold" true "$(ask .consistent stats)"
