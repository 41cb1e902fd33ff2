#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `port del` and `down` leave the ports of the switch as they were found, and no internal port; `up`
# and `restore` make that again, the same; kill -9 leaves it whole or not at all.
# restore.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
number a1 11 a2 12
before=$(snapshot a1 a2 trunk)
links() { ip -n "$LAB-gateway" -j link show | jq -r '.[].ifname' | sort; }
links_before=$(links)

add_internal() {
    sl port add vlan10 --role internal --vlan 10 --address 10.77.0.1/24 --address fd77::1/64
}
add_all() {
    sl port add trunk --role trunk --vlans 10,20 --hook tc
    add_internal
}
# works: VMs reach each other and the gateway, the trunk hears them, and `status` finds no fault.
works() {
    local to
    ip -n "$LAB-a1" neigh flush dev eth0 # a gateway made anew has another MAC
    for to in 10.77.0.12 fd77::12 10.77.0.1 fd77::1; do
        lab_in a1 ping -q -c 1 -W 2 $to
    done
    frame ff:ff:ff:ff:ff:ff "$(mac a1 eth0)"
    hears far traffic a1 whisper eth0 "$FRAME" 1
    expect "drift" 0 "$(ask '.drift | length' status)"
}

switch_up "$hook"
add_all
works
address=$(mac gateway vlan10)
sl switch fdb add 02:00:5e:00:53:01 --vlan 10 --port a2
sl switch port set a2 --isolation isolated
for port in vlan10 trunk b1 b2 a1 a2; do
    sl port del $port
done
expect "interfaces after port del" "$before" "$(snapshot a1 a2 trunk)"
expect "links after port del" "$links_before" "$(links)"

sl down --purge
switch_up "$hook"
add_all
address=$(mac gateway vlan10)
sl switch fdb add 02:00:5e:00:53:01 --vlan 10 --port a2
entries() {
    ask '.macs[] | select(.mac == "02:00:5e:00:53:01") | "\(.vlan) \(.port)"' switch fdb list
}
expect "the entry" "10 a2" "$(entries)"
sl down
expect "interfaces after down" "$before" "$(snapshot a1 a2 trunk)"
expect "links after down" "$links_before" "$(links)"
expect "pins left" "" "$(find /sys/fs/bpf/sluice/"$LAB" 2>/dev/null || true)"
lab_up
expect "MAC of the internal port after up" "$address" "$(mac gateway vlan10)"
expect "the entry after up" "10 a2" "$(entries)"
works

# Power cut: interfaces and pins are gone, the database is not.
lab_scrap
rm -rf "/sys/fs/bpf/sluice/$LAB"
lab_switched
number a1 11 a2 12
sl restore
expect "MAC of the internal port after restore" "$address" "$(mac gateway vlan10)"
expect "the entry after restore" "10 a2" "$(entries)"
works
ip -n "$LAB-gateway" link del vlan10
expect_match "status tells that it is gone" "vlan10" "$(ask '.drift[].text' status)"
sl restore
expect "MAC of the internal port, made anew" "$address" "$(mac gateway vlan10)"
works

[[ $hook == tc ]] || exit 0 # an internal port has no other

# Killed at points spread over the time that the command takes.
sl port del vlan10
links_without=$(links)
start=$(date +%s%N)
add_internal
time=$(($(date +%s%N) - start))
for ((round = 0; round < 4; round++)); do
    sl port del vlan10
    expect "links without it" "$links_without" "$(links)"
    "$SLUICE" --instance "$LAB" port add vlan10 --role internal --vlan 10 \
        --address 10.77.0.1/24 --address fd77::1/64 >"$LAB_DIR/killed" 2>&1 &
    pid=$!
    sleep "$(printf '0.%09d' $((time * round / 3 % 1000000000)))"
    kill -KILL $pid 2>/dev/null || true
    wait $pid 2>/dev/null || true
    sl restore
    add_internal >/dev/null 2>&1 || true # it was there already
    works
done
echo "ok: port add killed"
