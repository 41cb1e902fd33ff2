#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What Prometheus is told: valid, true, of an instance in another network namespace, also while it is
# down; and killed under traffic the process costs not a packet.
. "$(dirname "$0")/../../harness/e2e.sh"

promtool=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/promtool
[[ -x $promtool ]] || fail "scripts/setup has not fetched promtool"

lab_new e2e
lab_routed
gate tc
sl mac bind "$(mac vm1 eth0)" --vm web1 --port vm1 --ip 10.77.1.11
sl guard set vm1 --arp off
sl qos set vm2 --ingress-rate 100mbit --egress-rate 100mbit --shaper htb
sl qos class add voice --match app=voip --priority 0 --max 20%

# begin [ARGUMENTS...]: the process, on a host that is not the instance's; its pid is $server.
begin() {
    lab_spawn server "$SLUICE" --instance "$LAB" serve --prometheus "[::1]:9100" "$@"
    server=$!
    lab_wait 5 lab_listening server 9100 || fail "it does not listen: $(<"$LAB_DIR/$server.out")"
}
get() { lab_in server curl -sg --max-time 10 "http://[::1]:9100$1" "${@:2}"; }
status_of() { get "$1" -o /dev/null -w '%{http_code}'; }
scrape() { get /metrics >"$LAB_DIR/metrics"; }
# metric NAME[{LABELS}]: its value in the last scrape
metric() { awk -v name="$1" 'index($0, name " ") == 1 { print $NF }' "$LAB_DIR/metrics"; }
scraped() { scrape && [[ $(metric "$1") == "$2" ]]; }

begin
serve server 7
traffic vm1 exchange udp $LAB_SERVER4 7 1-50
lab_in vm1 ip addr add 10.77.1.99/24 dev eth0
lab_in vm1 ping -q -c 1 -W 1 -I 10.77.1.99 $LAB_SERVER4 >/dev/null && fail "the guard let a spoofer through"

expect_soon 3 "a scrape" scraped sluice_up 1
"$promtool" check metrics <"$LAB_DIR/metrics" || fail "promtool finds fault"
echo "ok: promtool finds no fault"
for direction in rx tx; do
    labels="port=\"vm2\",direction=\"$direction\""
    stats=$(ask ".counters[] | select(.port == \"vm2\" and .direction == \"$direction\") |
        [.observed.packets, .passed.packets, .forwarded.bytes] | join(\" \")" stats)
    scrape
    expect "what vm2 counts, $direction" "$stats" "$(metric "sluice_port_observed_packets_total{$labels}") \
$(metric "sluice_port_packets_total{$labels,fate=\"passed\"}") \
$(metric "sluice_port_bytes_total{$labels,fate=\"forwarded\"}")"
done
expect "sessions" "$(ask .ipv4 nat session count)" "$(metric 'sluice_sessions{family="ipv4"}')"
expect "ports of the pool in use" "$(ask '.pools[] | select(.protocol == "udp") | .used' nat pool show)" \
    "$(metric "sluice_nat_pool_used_ports{pool=\"0\",address=\"$LAB_WAN4\",protocol=\"udp\"}")"
expect "drops by reason" 1 "$(metric 'sluice_dropped_packets_total{reason="guard-ip"}')"
expect "a reason that did not occur" 0 "$(metric 'sluice_dropped_packets_total{reason="qos-pps"}')"
expect "drops of the port" 1 "$(metric 'sluice_port_dropped_packets_total{port="vm1",reason="guard-ip"}')"
expect "whose port it is" 1 "$(metric 'sluice_port_info{port="vm1",role="access",vm="web1"}')"
expect "the rate" 12500000 "$(metric 'sluice_qos_rate_bytes_per_second{port="vm2",direction="tx"}')"
expect_match "a class" "^[0-9]+$" "$(metric 'sluice_qos_class_sent_packets_total{port="vm2",class="voice"}')"
expect_match "who sends" "^[0-9]+$" "$(metric 'sluice_talker_sent_bytes{port="vm1",vm="web1",address="10.77.1.11"}')"

expect "health" "200 ok" "$(status_of /healthz) $(get /healthz)"
expect "nothing else" 404 "$(status_of /etc/passwd)"

expect_refusal 2 "not ADDRESS:PORT" serve --prometheus 9100
expect_refusal 2 "not a whole number from 0 to 1000" serve --prometheus 127.0.0.1:9100 --top 100000
expect_refusal 3 "not an address of this host" serve --prometheus 192.0.2.77:9100
code=0
lab_in server "$SLUICE" --instance "$LAB" serve --prometheus "[::1]:9100" >"$LAB_DIR/again" 2>&1 || code=$?
expect "exit code of a second one" 4 "$code"
expect_match "its message" "another process" "$(<"$LAB_DIR/again")"
expect "a dry run" '"http://127.0.0.1:9101/metrics"' "$(lab_in server "$SLUICE" --instance "$LAB" --json --dry-run \
    serve --prometheus 127.0.0.1:9101 | jq .metrics)"
expect "an instance that is not" 3 "$("$SLUICE" --instance "no-$LAB" serve --prometheus 127.0.0.1:9100 \
    >/dev/null 2>&1; echo $?)"

# It may do what reading an instance takes, and nothing else of what root may.
served() { awk -v key="$1:" '$1 == key { print $2 }' "/proc/$server/status"; }
expect "capabilities" "000000c000201000" "$(served CapEff)"
expect "new privileges" 1 "$(served NoNewPrivs)"

# Clients that send too much, too slowly, nothing, or don't take the answer keep nobody out.
before=$(served VmRSS)
lab_spawn server python3 "$E2E_HARNESS/hostile_scrape.py" ::1 9100
hostile=$!
lab_wait 10 grep -q ready "$LAB_DIR/$hostile.out"
for round in 1 2 3 4 5; do
    expect "health beside hostile clients, $round" 200 "$(status_of /healthz)"
    scrape
    expect "a scrape beside them" 1 "$(metric sluice_up)"
done
expect "what is not GET" 405 "$(get /metrics -X POST -d x -o /dev/null -w '%{http_code}')"
lab_reap "$hostile"
((($(served VmRSS) - before) < 50000)) || fail "it grew from $before kB to $(served VmRSS)"
echo "ok: it did not grow"

# Down and up while it serves.
sl down
scrape
expect "down" 0 "$(metric sluice_up)"
"$promtool" check metrics <"$LAB_DIR/metrics" || fail "promtool finds fault"
lab_up
scrape
expect "up again" 1 "$(metric sluice_up)"

# Killed under traffic: every packet is answered.
lab_spawn vm1 ping -q -i 0.002 -c 1500 10.77.1.1
pinger=$!
lab_spawn vm1 ping -q -i 0.002 -c 1500 $LAB_SERVER4
routed=$!
for round in 1 2 3 4 5; do
    scrape &
    scraper=$!
    nap 20000000
    lab_reap "$server"
    wait $scraper || true
    begin --top "$((round % 2))"
done
wait $pinger || true
wait $routed || true
expect_match "every ping to the gateway is answered" " 0% packet loss" "$(<"$LAB_DIR/$pinger.out")"
expect_match "every ping through it" " 0% packet loss" "$(<"$LAB_DIR/$routed.out")"

# Told to end.
for signal in TERM INT; do
    kill -$signal "$server"
    code=0
    wait "$server" || code=$?
    expect "exit code after SIG$signal" 0 "$code"
    begin
done
expect "drift" 0 "$(ask '.drift | length' status)"
