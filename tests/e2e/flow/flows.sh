#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who talks to whom: flows of what is routed, switched and the host's own, counted to the frame by
# two CPUs; filters and orders; flows that begin and end; and records of them in eve.json, which a
# JSON Schema judges.
# flows.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/switch.sh"
hook=$1

lab_new e2e
lab_switched
switch_up "$hook"
sl port add vlan10 --role internal --vlan 10 --address 10.77.0.1/24
sl port add wan --role uplink --hook "$hook"
sl nat masquerade add --source 10.77.0.0/24 --uplink wan
sl mac bind "$(mac a1 eth0)" --vm web1 --port a1 --vlan 10
for vm in a1 a2; do
    lab_addr $vm eth0 10.77.0.1${vm#a}/24
    lab_gateways $vm 10.77.0.1
done
lab_addr b1 eth0 10.77.0.12/24 # the address of a2, in another VLAN
lab_addr b2 eth0 10.77.0.11/24

# row JQ FILTER...: of the one flow that matches.
row() { ask ".flows | if length == 1 then .[0] | $1 else \"\(length) flows\" end" flow list "${@:2}"; }

lab_spawn gateway "$SLUICE" --instance "$LAB" --json flow watch proto=icmp
watch=$!
lab_spawn gateway "$SLUICE" --instance "$LAB" flow export --eve "$LAB_DIR/eve.json" addr=10.77.0.11
export=$!
sleep 0.5

# Routed, switched, the host's own; the same addresses in another VLAN are another flow.
lab_in a1 ping -q -c 5 -i 0.01 -W 2 10.77.0.12 >/dev/null
lab_in b2 ping -q -c 3 -i 0.01 -W 2 10.77.0.12 >/dev/null
lab_in a1 ping -q -c 4 -i 0.01 -W 2 "$LAB_SERVER4" >/dev/null
lab_in a1 ping -q -c 2 -i 0.01 -W 2 10.77.0.1 >/dev/null
expect "switched" "web1 a1 a2 10 5 5 490" "$(row \
    '"\(.vm) \(.in_port) \(.out_port) \(.vlan) \(.sent.packets) \(.received.packets) \(.sent.bytes)"' \
    path=switched proto=icmp vlan=10 src=10.77.0.11)"
expect "in the other VLAN" "b2 b1 20 3 3" "$(row \
    '"\(.in_port) \(.out_port) \(.vlan) \(.sent.packets) \(.received.packets)"' \
    path=switched proto=icmp vlan=20)"
expect "routed and translated" "web1 a1 wan snat 4 4" "$(row \
    '"\(.vm) \(.in_port) \(.out_port) \(.nat) \(.sent.packets) \(.received.packets)"' \
    path=routed proto=icmp)"
expect "with the host" "a1 vlan10 2 2" "$(row \
    '"\(.in_port) \(.out_port) \(.sent.packets) \(.received.packets)"' path=local proto=icmp)"
expect "those of the VM" 3 "$(ask .sessions flow count vm=web1 proto=icmp)"
expect "sessions of the router" 1 "$(ask .sessions nat session count)"

# Two CPUs at once: what the VM counts as sent and received is what the flow says.
serve a2 7
traffic a1 bulk 10.77.0.12 7 20000001
expect "the stream" closed "$(row .state proto=tcp)"
expect "SYN, ACK and FIN of both" "syn,ack,fin syn,ack,fin" \
    "$(row '"\(.sent_flags | join(",")) \(.received_flags | join(","))"' proto=tcp)"
expect_match "the handshake was timed" '^true$' "$(row '.handshake > 0 and .handshake < 1' proto=tcp)"
sent=$(row '.sent.bytes' proto=tcp)
expect_within "its bytes" 20000001 24000000 "$sent"
expect "the greatest" tcp "$(ask '.flows[0].protocol' flow list --sort bytes --limit 3)"
expect "by a number" 1 "$(ask .count flow list 'bytes>10mb')"
expect "the top" tcp "$(ask '.flows[0].protocol' flow top --by bytes --count 1 --interval 50ms)"
expect_refusal 2 "unknown filter key" flow list colour=red

expect "nothing is without a flow" 0 "$(ask '[.unattributed[].packets] | add // 0' stats)"

# Flushed flows are gone within a second or so, and told of.
sl flow flush proto=icmp >/dev/null
expect_soon 5 "flows that were flushed are gone" is 0 .sessions flow count proto=icmp
sl flow flush proto=tcp >/dev/null
expect_soon 5 "the stream's record" grep -q '"proto":"TCP"' "$LAB_DIR/eve.json"
kill -INT $watch $export
wait $watch || fail "flow watch: $(<"$LAB_DIR/$watch.out")"
wait $export || fail "flow export: $(<"$LAB_DIR/$export.out")"
expect "flows that began and ended" "4 4" "$(jq -r .event "$LAB_DIR/$watch.out" |
    awk '{ n[$1]++ } END { print n["began"], n["ended"] }')"
python3 - "$E2E_HARNESS/eve_flow.schema.json" "$LAB_DIR/eve.json" <<'END' || fail "the schema refuses a record"
import json, jsonschema, sys
schema = json.load(open(sys.argv[1]))
for line in open(sys.argv[2]):
    jsonschema.validate(json.loads(line), schema)
END
echo "ok: the schema takes $(wc -l <"$LAB_DIR/eve.json") records"
expect "bytes in the record" "$sent" "$(jq 'select(.proto == "TCP") | .flow.bytes_toserver' "$LAB_DIR/eve.json")"

# Off, the switch's traffic has none.
sl port set a1 --flows routed
sl port set a2 --flows routed
lab_in a1 ping -q -c 2 -i 0.01 -W 2 10.77.0.12 >/dev/null
expect "--flows routed" 0 "$(ask .sessions flow count proto=icmp vlan=10)"
expect "counters hold" true "$(ask .consistent stats)"
expect "drift" 0 "$(ask '.drift | length' status)"
