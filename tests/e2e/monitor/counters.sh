#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# observed = forwarded + passed + dropped, and observed is what the kernel's own counters say.
# counters.sh tc|xdp routed|bridged
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1 topology=$2

lab_new e2e
"lab_$topology"
gate "$hook"
vm1=$(ip -n "$LAB-vm1" -4 -j addr show dev eth0 | jq -r '.[].addr_info[0].local')
router=$(mac gateway "$([[ $topology == bridged ]] && echo br0 || echo vm1)")
serve server 7

# counter PORT DIRECTION WHAT
counter() {
    ask ".counters[] | select(.port == \"$1\" and .direction == \"$2\") | .$3" stats
}
# kernel PORT DIRECTION
kernel() { ip -n "$LAB-gateway" -j -s link show dev "$1" | jq ".[].stats64.$2.packets"; }
# before_us: what the kernel counted and we did not: packets from before there was a port.
before_us() {
    local port way
    for port in vm1 vm2 wan; do
        for way in rx tx; do
            echo "$port $way $(($(kernel $port $way) - $(counter $port $way observed.packets)))"
        done
    done
}
# A packet between the two readings makes one difference wrong, but not the next one as well.
steady() {
    before=$(before_us)
    [[ $before == "$(before_us)" ]]
}
expect_soon 10 "nobody speaks without being asked" steady

# Exactly: 1000 datagrams of 50 bytes through, 100 that die by their TTL, 10 that are not ours.
forwarded=$(counter vm1 rx forwarded.packets) bytes=$(counter vm1 rx forwarded.bytes)
out=$(counter wan tx forwarded.packets)
traffic vm1 flood eth0 "$router" "$vm1" 5000-5999 $LAB_SERVER4 9
expect "packets forwarded" 1000 $(($(counter vm1 rx forwarded.packets) - forwarded))
expect "bytes forwarded" 50000 $(($(counter vm1 rx forwarded.bytes) - bytes))
expect "packets sent out" 1000 $(($(counter wan tx forwarded.packets) - out))
lab_in vm1 ping -q -c 10 -i 0.01 -W 1 -t 1 $LAB_SERVER4 || true
expect "packets dropped" 10 "$(counter vm1 rx dropped.packets)"
passed=$(counter vm1 rx passed.packets)
traffic vm1 whisper eth0 "$router $(mac vm1 eth0) 88b5 $(printf '%092d' 0)" 10
expect_within "packets passed" 10 15 $(($(counter vm1 rx passed.packets) - passed))

# And at random, streams and fragments among it.
for host in vm1 vm2; do
    traffic $host bulk $LAB_SERVER4 7 3000000
    traffic $host bulk $LAB_SERVER6 7 3000000
    traffic $host exchange udp $LAB_SERVER4 7 1-100,5000
    lab_in $host ping -q -c 5 -i 0.01 $LAB_WAN4
done
counted_all() { [[ $(before_us) == "$before" ]]; }
lab_wait 5 counted_all ||
    expect "what the kernel received and sent and we did not observe" "$before" "$(before_us)"
echo "ok: observed is what the kernel received and sent, on every port"
expect "sums that do not add up" "" "$(ask '.counters[]
    | select(.observed.packets != .forwarded.packets + .passed.packets + .dropped.packets
             or .observed.bytes != .forwarded.bytes + .passed.bytes + .dropped.bytes)
    | "\(.port) \(.direction)"' stats)"
expect "drops by reason add up to drops by port" "$(ask '[.counters[].dropped.packets] | add' stats)" \
    "$(ask '[.drops[].packets] | add' drops)"
