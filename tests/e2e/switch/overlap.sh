#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two VLANs use the same private range, gateway included: each VM reaches the outside, and what comes
# back for the one never gets to the other that has its address.
# overlap.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/guard.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
switch_up "$hook"
for vlan in 10 20; do
    sl port add vlan$vlan --role internal --vlan $vlan --address 10.77.0.1/24
done
sl port add wan --role uplink --hook "$hook"
sl nat masquerade add --source 10.77.0.0/24 --uplink wan
for vm in a1 b1; do
    lab_addr $vm eth0 10.77.0.11/24
    lab_gateways $vm 10.77.0.1
done
serve server 7

# From one address and one port each, in turn and at once.
for _ in 1 2 3; do
    for vm in a1 b1; do
        traffic $vm exchange udp $LAB_SERVER4 7 1-70 --from-port 5000
        traffic $vm exchange tcp $LAB_SERVER4 7 1-70 --from-port 5000 --reset
    done
done
expect "datagrams' external ports" 2 "$(grep ^udp "$SERVED" | cut -d' ' -f3 | sort -u | wc -l)"
expect "external addresses" $LAB_WAN4 "$(cut -d' ' -f2 "$SERVED" | sort -u)"
witness b1
streams=()
for vm in a1 b1; do
    lab_spawn $vm "$E2E_HARNESS/traffic.py" bulk $LAB_SERVER4 7 50000000
    streams+=($!)
done
for stream in "${streams[@]}"; do
    wait "$stream" || fail "a stream beside its double: $(<"$LAB_DIR/$stream.out")"
done
witness_end
echo "ok: streams of both at once came back whole"
expect "frames for a1 that reached b1" 0 "$(witnessed "ether dst $(mac a1 eth0)")"
expect "counters hold" true "$(ask .consistent stats)"
