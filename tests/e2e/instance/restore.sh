#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `port del` and `down` leave every interface as it was found: offloads, qdiscs, filters, XDP, sysctls;
# and somebody else's filters see their packets all the while.
# restore.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
hook=$1

lab_new e2e
lab_bridged
interfaces=(vm1 vm2 br0 wan)

# wan has a filter of somebody else, which counts; vm2 a clsact qdisc without filters.
compile_foreign
lab_in gateway tc qdisc add dev wan clsact
lab_in gateway tc qdisc add dev vm2 clsact
for hook_name in ingress egress; do
    lab_in gateway tc filter add dev wan $hook_name bpf da obj "$LAB_DIR/foreign.o" sec tc
done
# Uneven sysctls, so that what is put back was read and not guessed.
lab_in gateway sysctl -qw net.ipv4.conf.vm2.forwarding=1 net.ipv6.conf.wan.accept_ra=0

before=$(snapshot "${interfaces[@]}")
gate "$hook"
[[ $(snapshot "${interfaces[@]}") != "$before" ]] || fail "the snapshot does not see what sluice does"
serve server 7
counted=$(foreign_count)
traffic vm1 exchange udp $LAB_SERVER4 7 1-100
traffic vm2 exchange udp $LAB_SERVER6 7 1-100
# Foreign filters on egress see what the stack sends; on ingress all that sluice does not take.
lab_in gateway ping -q -c 5 -i 0.01 $LAB_SERVER4
expect_within "packets that the foreign filter saw" 10 1000 $(($(foreign_count) - counted))

sl nat masquerade del --source $LAB_NET4 --uplink wan
for port in vm1 vm2 wan; do
    sl port del $port
done
expect "interfaces after port del" "$before" "$(snapshot "${interfaces[@]}")"

sl port add vm1 --role access --hook "$hook"
sl port add vm2 --role access --hook "$hook"
sl port add wan --role uplink --hook "$hook"
sl down
expect "interfaces after down" "$before" "$(snapshot "${interfaces[@]}")"
expect "pins left" "" "$(find /sys/fs/bpf/sluice/"$LAB" 2>/dev/null || true)"

sl up
expect "ports after up" "vm1 vm2 wan" "$(ask '[.ports[] | select(.tc_ingress) | .name] | join(" ")' status)"
traffic vm1 exchange udp $LAB_SERVER6 7 1-10
sl down --purge
expect "interfaces after down --purge" "$before" "$(snapshot "${interfaces[@]}")"
