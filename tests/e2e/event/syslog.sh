#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Events go to the host's log with all that is known of them, also when the log is started anew; what
# was dropped last is shown beside its reason.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
gate tc
sl mac bind "$(mac vm1 eth0)" --vm web1 --port vm1 --ip 10.77.1.11
sl mac bind 02:00:00:00:00:77 --vm web2 --port vm1 # so that the MAC must tell
sl guard set vm1 --arp off
lab_in vm1 ip addr add 10.77.1.99/24 dev eth0
spoof() { ! lab_in vm1 ping -q -c 1 -W 0.2 -I 10.77.1.99 $LAB_SERVER4 >/dev/null; }

# listen: a log of our own at $LAB_DIR/log; what it gets is in $LOG.
listen() {
    lab_spawn gateway "$E2E_HARNESS/log_listener.py" "$LAB_DIR/log"
    listener=$!
    LOG="$LAB_DIR/$listener.out"
    lab_wait 5 test -S "$LAB_DIR/log" || fail "no log"
}
logged() { grep -Eq "$1" "$LOG"; }

expect_refusal 3 "nobody listens on $LAB_DIR/log" events --syslog "$LAB_DIR/log"
spoof || fail "the guard let it through"
listen
expect "what was written" 1 "$(ask .written events --kind drop --syslog "$LAB_DIR/log")"
line='^<28>.{15} sluice\[[0-9]+\]: time=[^ ]*Z severity=warning kind=drop reason=guard-ip vm=web1 port=vm1 '
line+='direction=in flow="icmp 10.77.1.99 > 203.0.113.9" repeats=0 length=98 text=".* echo request"$'
expect_soon 2 "the line" logged "$line"
expect "since a time that was" 1 "$(ask '.events | length' events --kind drop --since 2020-01-01T00:00:00Z)"
expect "since a time to come" 0 "$(ask '.events | length' events --since "$(date -ud '+1 hour' +%FT%TZ)")"

lab_spawn gateway "$SLUICE" --instance "$LAB" events --follow --kind drop --syslog "$LAB_DIR/log"
follower=$!
sleep 1
: >"$LOG"
spoof
expect_soon 3 "what comes is followed" logged "reason=guard-ip vm=web1"
lab_reap "$listener"
sleep 1.1 # one event a second for each reason
spoof
listen
expect_soon 5 "and by a log that was started anew" logged "reason=guard-ip vm=web1"
kill -TERM "$follower"
wait "$follower" || fail "exit code $? after SIGTERM"
expect_match "what it says in the end" "2 events written" "$(<"$LAB_DIR/$follower.out")"

expect "the last one of the reason" "web1 vm1 icmp 10.77.1.99 > 203.0.113.9" \
    "$(ask '.drops[] | select(.reason == "guard-ip").last | "\(.vm) \(.port) \(.flow)"' drops)"
expect_match "the same as text" "last 20[^ ]*Z at vm1: .* IPv4 10.77.1.99 > 203.0.113.9 icmp" "$(sl drops)"
