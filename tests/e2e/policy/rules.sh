#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A policy between VMs, the outside and the host: who may open what, who is told, what stays open
# when another one is loaded, and what is cut.
# rules.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
switch_up "$hook"
sl port add vlan10 --role internal --vlan 10 --address 10.77.0.1/24 --address fd77::1/64
sl port add vlan20 --role internal --vlan 20 --address 10.77.20.1/24
sl port add wan --role uplink --hook "$hook"
sl nat masquerade add --source $LAB_NET4 --uplink wan
sl mac bind "$(mac a1 eth0)" --vm web1 --port a1 --vlan 10
sl mac bind "$(mac a2 eth0)" --vm web2 --port a2 --vlan 10
number a1 11 a2 12
lab_addr b1 eth0 10.77.20.11/24
for vm in a1 a2; do lab_gateways $vm 10.77.0.1 fd77::1; done
lab_gateways b1 10.77.20.1
for vm in a1 a2 server; do serve $vm 7; done
lab_in a1 ping -q -c 1 -W 2 10.77.0.12 >/dev/null # the switch knows them

# policy RULES [DEFAULTS]: loads them.
policy() { printf 'network-policy:\n%s\ndefaults:\n%s\n' "$1" "${2-  []}" | sl policy load - >/dev/null; }
# knock HOST PROTO TO PORT
knock() { traffic "$1" knock "${@:2}"; }

expect "without a policy" "open open" "$(knock a1 tcp 10.77.0.12 7) $(knock b1 tcp 10.77.0.12 7)"

policy '  - {name: web, action: allow, destination: vm:web2, protocol: tcp, ports: 7}
  - {name: ping, action: log, destination: vm:web2, icmp-types: echo-request}
  - {name: no-81, action: reject, source: vm:web1, protocol: [tcp, udp], ports: 81}
  - {name: no-82, action: deny, source: vm:web1, protocol: [tcp, udp], ports: 82}' \
    '  - {direction: in, action: deny, vm: web2}'

expect "switched" "open silent" "$(knock a1 tcp 10.77.0.12 7) $(knock a1 udp 10.77.0.12 7)"
expect "IPv6 alike" "open silent" "$(knock a1 tcp fd77::12 7) $(knock a1 udp fd77::12 7)"
expect "routed from another VLAN" "open silent" "$(knock b1 tcp 10.77.0.12 7) $(knock b1 udp 10.77.0.12 7)"
expect "from the host" "open silent" "$(knock gateway tcp 10.77.0.12 7) $(knock gateway udp 10.77.0.12 7)"
expect "what it opens itself, and the answers" "open open open" \
    "$(knock a2 udp 10.77.0.11 7) $(knock a2 udp $LAB_SERVER4 7) $(knock a2 tcp $LAB_SERVER4 7)"
expect "ICMP errors about it: from the VM next door, from outside" "refused refused" \
    "$(knock a2 udp 10.77.0.11 99) $(knock a2 udp $LAB_SERVER4 99)"
expect "reject: RST and ICMP" "refused prohibited refused prohibited" \
    "$(knock a1 tcp $LAB_SERVER4 81) $(knock a1 udp $LAB_SERVER4 81) $(
        knock a1 tcp 10.77.0.12 81) $(knock a1 udp 10.77.0.12 81)"
expect "reject by IPv6" "refused prohibited" "$(knock a1 tcp fd77::12 81) $(knock a1 udp fd77::12 81)"
expect "deny" "silent silent" "$(knock a1 tcp $LAB_SERVER4 82) $(knock a1 tcp 10.77.0.12 82)"
lab_in a1 ping -q -c 2 -i 0.01 -W 2 10.77.0.12 >/dev/null
expect "an event of the rule that logs" "ping a1 web1" \
    "$(ask '[.events[] | select(.kind == "policy-log")][0] | "\(.rule) \(.port) \(.vm)"' events)"
expect_match "an event of the rule that denies" 'no-82' \
    "$(ask '[.events[] | select(.reason == "policy-deny") | .rule] | join(",")' events)"
expect_match "drops by reason" '^true$' "$(ask '[.drops[] | select(.reason | startswith("policy-")).packets] | all(. > 0)' drops)"
expect "hits" "true true true" "$(ask '[.hits[] | {(.name // "none"): (.flows + .denied > 0)}] | add |
    "\(.web) \(.ping) \(.["no-82"])"' policy hits)"
expect "who allowed it" "allow web" "$(ask '.flows[0] | "\(.verdict) \(.rule)"' flow list dport=7 dst=10.77.0.12 proto=tcp)"
expect "what is asked by hand" "deny" "$(ask .action policy test src=10.77.0.11 dst=10.77.0.12 proto=udp dport=7 in=a1 out=a2)"

# Another policy: what it allows goes on, what it forbids ends: by the next time it is judged, half a
# second later, but a busy machine may take some seconds until the policy is in force.
lab_spawn a1 "$E2E_HARNESS/traffic.py" hold 10.77.0.12 7 9
cut=$!
lab_spawn b1 "$E2E_HARNESS/traffic.py" hold $LAB_SERVER4 7 9
cut_routed=$!
lab_spawn a2 "$E2E_HARNESS/traffic.py" hold $LAB_SERVER4 7 9
kept=$!
sleep 1
policy '  - {name: web, action: deny, destination: vm:web2, protocol: tcp, ports: 7}
  - {name: b1, action: deny, source: 10.77.20.11, destination: 203.0.113.0/24}'
expect_soon 2 "it is listed as denied" is web '.flows[0].rule' flow list verdict=deny vm=web2
wait $cut $cut_routed $kept
lasted() { tail -n 1 "$LAB_DIR/$1.out" | jq .lasted_ms; }
expect_within "switched: cut after" 500 8000 "$(lasted $cut)"
expect_within "routed: cut after" 500 8000 "$(lasted $cut_routed)"
expect_within "what is allowed went on" 8001 9999 "$(lasted $kept)"

# A hundred policies, each of which allows the one flow: no packet is lost, and none is judged by half.
lab_spawn a1 ping -q -i 0.002 -c 2000 10.77.0.12
ping=$!
for i in {1..100}; do
    policy "$(for ((n = 0; n < i % 7; n++)); do echo "  - {name: other$n, action: deny, source: 192.0.2.$n}"; done)
  - {name: ping, action: allow, icmp-types: echo-request}
  - {name: rest, action: deny, destination: vm:web2}"
done
wait $ping || true
expect_match "a hundred reloads" ' 0% packet loss' "$(<"$LAB_DIR/$ping.out")"

# A rule that expires: then the next one has its say, for what was opened by it, too.
policy '  - {name: guest, action: allow, destination: vm:web2, in: 3s}
  - {name: web, action: deny, destination: vm:web2}'
expect "as long as it holds" open "$(knock a1 tcp 10.77.0.12 7)"
lab_spawn a1 "$E2E_HARNESS/traffic.py" hold 10.77.0.12 7 7
cut=$!
expect_soon 6 "then no more" eval '[[ $(knock a1 tcp 10.77.0.12 7) == silent ]]'
wait $cut
expect_within "what was open" 500 6500 "$(lasted $cut)"

# A default without a name is not about the host, which would be cut off from its own admin.
policy '  - {name: none, action: deny, source: 192.0.2.1}' '  - {direction: in, action: deny}
  - {direction: out, action: deny}'
expect "the host itself" "0% packet loss" "$(lab_in server ping -q -c 2 -i 0.1 -W 2 $LAB_WAN4 | grep -o '0% packet loss')"
expect "all others" "silent silent" "$(knock a1 tcp 10.77.0.12 7) $(knock a1 tcp $LAB_SERVER4 7)"

# It survives the crash and the loss of the datapath.
for delay in 5 15 30 60; do
    printf 'network-policy: [{name: all, action: deny}]\n' >"$LAB_DIR/all.yaml"
    killed_after ${delay}000000 policy load "$LAB_DIR/all.yaml"
    sl restore >/dev/null
    expect "killed after $delay ms, and restored" 0 "$(ask '.drift | length' status)"
done
policy '  - {name: web, action: deny, destination: vm:web2}'
sl down
lab_up
expect "after it was down" silent "$(knock a1 tcp 10.77.0.12 7)"
sl policy clear
expect "without it again" open "$(knock a1 tcp 10.77.0.12 7)"
expect "counters hold" true "$(ask .consistent stats)"
expect "drift" 0 "$(ask '.drift | length' status)"
