#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Flows follow the host's routes and neighbours within a second, and the masquerade its address.
# moves.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

# 198.51.100.9 and 2001:db8:9::9 are behind the server and behind a second host beside it.
lab_new e2e
lab_routed
lab_host server2
ip -n "$LAB-server" link add link eth0 name second type macvlan mode bridge
ip -n "$LAB-server" link set second netns "$LAB-server2" name eth0
ip -n "$LAB-server2" link set eth0 up
lab_addr server2 eth0 203.0.113.10/24 2001:db8::10/64
ip -n "$LAB-server2" route add $LAB_NET6 via $LAB_WAN6
for host in server server2; do
    lab_addr $host lo 198.51.100.9/32 2001:db8:9::9/128
done
gateway_route() { ip -n "$LAB-gateway" route replace "$@"; }
gateway_route 198.51.100.9 via $LAB_SERVER4
gateway_route 2001:db8:9::9 via $LAB_SERVER6
gate "$hook"

# chatting ADDRESS COMMAND...: the command's effect on a session that exists and goes on.
chatting() {
    local chat silence sessions=(.sessions nat session count dst="$1" proto=udp) earlier
    earlier=$(ask "${sessions[@]}")
    lab_spawn vm1 "$E2E_HARNESS/traffic.py" chat "$1" 7 2
    chat=$!
    expect_soon 2 "a session with $1" is $((earlier + 1)) "${sessions[@]}"
    "${@:2}"
    wait "$chat"
    silence=$(jq .silence_ms "$LAB_DIR/$chat.out")
    expect_within "ms of silence of $1 after: ${*:2}" 0 1700 "$silence"
}

serve server 7
serve server2 7
chatting 198.51.100.9 gateway_route 198.51.100.9 via 203.0.113.10
expect "the second host has taken over" "udp $LAB_WAN4" "$(grep -o "udp $LAB_WAN4" "$SERVED")"
chatting 2001:db8:9::9 gateway_route 2001:db8:9::9 via 2001:db8::10
expect "likewise by IPv6" "udp fd77:0:0:1::11" "$(grep -o 'udp fd77:0:0:1::11' "$SERVED")"

# The neighbour gets another card; the kernel learns of it as it does when a host announces itself.
new_card() {
    ip -n "$LAB-server" link set eth0 address 02:00:00:00:99:01
    for address in $LAB_SERVER4 $LAB_SERVER6; do
        ip -n "$LAB-gateway" neigh replace "$address" dev wan lladdr 02:00:00:00:99:01
    done
}
new_card_of_vm() {
    ip -n "$LAB-vm1" link set eth0 address 02:00:00:00:99:02
    ip -n "$LAB-gateway" neigh replace 10.77.1.11 dev vm1 lladdr 02:00:00:00:99:02
}
chatting $LAB_SERVER4 new_card
chatting $LAB_SERVER6 true
chatting $LAB_SERVER4 new_card_of_vm

# The uplink's address changes: status tells, the next command follows, new sessions use it.
ip -n "$LAB-gateway" addr del $LAB_WAN4/24 dev wan
lab_addr gateway wan 203.0.113.77/24
expect_match "the changed address is reported" "203.0.113" "$(ask '.drift[].text' status)"
sl restore
expect "no drift is left" 0 "$(ask '.drift | length' status)"
serve server 8
traffic vm2 exchange udp $LAB_SERVER4 8 1-3
expect_soon 2 "the new address is used" client_seen "^udp 203.0.113.77 "
