#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Private hosts reach the outside through one address, with every offload on, and nothing is changed
# on the way but what NAT changes. IPv6 is routed through the same gate.
# masquerade.sh tc|xdp routed|bridged MTU
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1 topology=$2 mtu=$3

lab_new e2e
"lab_$topology" "$mtu"
gate "$hook"
serve server 7

for ends in "vm1 $LAB_SERVER4" "vm2 $LAB_SERVER4" "vm1 $LAB_SERVER6" "vm2 $LAB_SERVER6"; do
    read -r host server <<<"$ends"
    lab_in "$host" ping -q -c 3 -i 0.01 -W 2 "$server" >/dev/null
    # Every parity and remainder; around one and two segments; and segments that GSO builds.
    traffic "$host" exchange udp "$server" 7 "1-70,$((mtu - 120))-$((mtu - 48))"
    traffic "$host" exchange tcp "$server" 7 \
        "1-70,$((mtu - 80))-$((mtu - 20)),$((2 * mtu - 120))-$((2 * mtu - 60)),65535,131071"
    traffic "$host" bulk "$server" 7 20000001
    echo "ok: $host and $server exchanged pings, datagrams and streams"
done

expect "IPv4 clients that the server saw" $LAB_WAN4 "$(grep -v : "$SERVED" | cut -d' ' -f2 | sort -u)"
expect "IPv6 clients that it saw" 2 "$(grep : "$SERVED" | cut -d' ' -f2 | sort -u | wc -l)"
expect "TTL and hop limit of datagrams" "ttl 63" "$(grep -o 'ttl .*' "$SERVED" | sort -u)"
expect "drops" 0 "$(ask '[.drops[].packets] | add // 0' drops)"
expect "counters hold" true "$(ask .consistent stats)"
expect "XDP programs" "$([[ $hook == xdp ]] && echo 3 || echo 0)" \
    "$(ask '[.ports[] | select(.xdp)] | length' port list)"
