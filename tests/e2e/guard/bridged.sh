#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A VM that attacks its neighbours behind a bridge: nothing of it arrives, each attack is counted
# and reported under its own reason, and honest traffic beside it goes on. On --audit all of it is
# counted and arrives.
# bridged.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
hook=$1

lab_new e2e
lab_bridged
# Where the bridge has netfilter look at IP, that drops broken headers itself.
lab_in gateway sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 \
    2>/dev/null || true
gate "$hook"
for vm in vm1 vm2; do
    own_identity $vm
done
attacker=$(mac vm1 eth0) router=$(mac gateway br0)
frames_against vm2 br0 >"$LAB_DIR/frames"

# tool NAME REASON JQ COMMAND...: vm1 runs it until an event shows what it sent.
tool() {
    local newest
    newest=$(ask '.events[-1].number // 0' events)
    lab_spawn vm1 "${@:4}"
    lab_wait 10 reported "$kind" "$2" ".number > $newest and ($3)" ||
        fail "$1: no event ($kind, $2) within 10 s; it said: $(<"$LAB_DIR/$!.out")"
    echo "ok: $1: reported ($kind, $2)"
    lab_reap $!
}
# tools KIND: the attackers' tools; what they send is to be a drop or an audit.
tools() {
    local kind=$1 asking
    tool arpspoof guard-arp '.frame.arp.sender == "10.77.0.1"' \
        arpspoof -i eth0 -t 10.77.0.12 10.77.0.1
    tool macof guard-mac ".frame.source_mac != \"$attacker\"" \
        bash -c "while macof -i eth0 -n 100; do sleep 0.2; done"
    tool fake_router6 guard-ra '.frame.ip.icmp_type == 134' \
        atk6-fake_router6 eth0 2001:db8:66::/64
    # Behind a destination header that fills the first fragment (next header: 44).
    tool fake_router26 guard-fragment '.header[40:42] == "2c"' \
        atk6-fake_router26 -A 2001:db8:67::/64 -E D eth0
    lab_spawn vm2 bash -c "while :; do ip neigh flush to fd77::1; ping -q -c 1 -W 0.1 fd77::1; done"
    asking=$!
    tool parasite6 guard-ip '.frame.ip.icmp_type == 136' atk6-parasite6 eth0
    lab_reap "$asking"
    # Again and again: of answers within a second of another the guard reports nothing.
    lab_spawn vm2 bash -c "while sleep 0.5; do busybox udhcpc -i eth0 -f -q -n -T 1 -s /bin/true; done"
    asking=$!
    tool "rogue dnsmasq" guard-dhcp-server '.frame.ip.source_port == 67' \
        dnsmasq -d -C /dev/null --port 0 --dhcp-range 10.77.0.200,10.77.0.250 --no-ping \
        --dhcp-leasefile="$LAB_DIR/leases" --pid-file="$LAB_DIR/dnsmasq.pid" -i eth0 --user=root
    lab_reap "$asking"
}
drops_at() {
    ask ".counters[] | select(.port == \"$1\" and .direction == \"rx\") | .dropped.packets" stats
}
# What the victim would see of each.
declare -A traces=(
    [arpspoof]="arp[14:4] = 0x0a4d0001 and ether src $attacker"
    [macof]="ip and not ether src $attacker and not ether src $router"
    [fake_router6]="icmp6 and ip6[40] = 134"
    [fake_router26]="ip6[6] = 44 and ip6[40] = 60 and ip6[42:2] & 0xfff8 = 0"
    [parasite6]="icmp6 and ip6[40] = 136 and src fd77::1 and ether src $attacker"
    [dnsmasq]="udp src port 67 and ether src $attacker"
)

# What the queue of a VM's interface had no room for, since something else had the CPU.
crowded_out() {
    for vm in vm1 vm2; do ip -n "$LAB-$vm" -j -s link show dev eth0; done |
        jq -s 'map(.[].stats64.tx.dropped) | add'
}

# Honest traffic of both VMs all the while, 10000 pings of it.
serve server 7
witness vm2
lab_spawn vm1 ping -q -i 0.001 -c 10000 10.77.0.12
pings=$!
lab_spawn vm2 "$E2E_HARNESS/traffic.py" bulk $LAB_SERVER4 7 400000000
stream=$!

while read -r name reason frames; do
    strike "$name" "$reason" "$frames"
done <"$LAB_DIR/frames"
tools drop
wait "$pings" || fail "pings: $(<"$LAB_DIR/$pings.out")"
received=$(grep -oP "[0-9]+(?= received)" "$LAB_DIR/$pings.out")
crowded_out=$(crowded_out)
((10000 - received <= crowded_out)) ||
    fail "pings beside the attacks: $received of 10000 came back, queues dropped $crowded_out"
echo "ok: $received of 10000 pings beside the attacks came back, queues dropped $crowded_out frames"
wait "$stream" || fail "a TCP stream beside the attacks: $(<"$LAB_DIR/$stream.out")"
echo "ok: a TCP stream beside the attacks"
expect "frames of attacks that arrived" "" "$(grep -aEo "sluice: [^;]*;" "$WITNESSED" || true)"
for name in "${!traces[@]}"; do
    expect "frames of $name that arrived" 0 "$(witnessed "${traces[$name]}")"
done
expect "routers that the victim believes in" "" "$(ip -n "$LAB-vm2" -6 route show proto ra)"
expect "drops of the victim's own" 0 "$(ask .guard.dropped guard show vm2)"

witness_end
witness vm2
dropped=$(drops_at vm1)
sl guard set vm1 --audit
while read -r name reason frames; do
    before=$(counted audited "$reason")
    traffic vm1 whisper eth0 "$frames" 1
    expect_soon 3 "$name: audited as $reason" \
        counts $((before + $(frame_count "$frames"))) audited "$reason"
    expect_soon 2 "$name: arrives" arrived "$name"
done <"$LAB_DIR/frames"
# So that the bridge finds the victim again, which is led astray by now.
lab_in vm2 ping -q -c 1 -W 0.1 $LAB_SERVER4 || true
tools audit
for name in "${!traces[@]}"; do
    expect_within "frames of $name that arrived" 1 100000 "$(witnessed "${traces[$name]}")"
done
expect_match "routers that the victim believes in then" "2001:db8:66::/64" \
    "$(ip -n "$LAB-vm2" -6 route show table all dev eth0)"
expect "drops on --audit" "$dropped" "$(drops_at vm1)"

witness_end
witness vm2
sl guard del vm1
read -r name reason frames <"$LAB_DIR/frames"
traffic vm1 whisper eth0 "$frames" 1
expect_soon 2 "$name: arrives where no guard is" arrived "$name"
expect "drops without a guard" "$dropped" "$(drops_at vm1)"
