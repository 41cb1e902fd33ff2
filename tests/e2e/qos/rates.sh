#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rates of ports: what enters is policed, what leaves waits in a queue or is policed; by IPv4,
# translated, and IPv6; counted to the byte; changed under a running stream.
# rates.sh tc|xdp
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/qos.sh"
hook=$1

lab_new e2e
lab_routed
gate "$hook"

# counted DIRECTION COUNT REASON WHAT COMMAND...: while the command is done, the port judges what vm1
# counts: of what enters, all that it sends; of what leaves, what conforms is what it receives. What
# exceeded is dropped for the reason.
counted() {
    local direction=$1 count=$2 reason=$3 what=$4 fates=.conformed before after
    [[ $direction == out ]] || fates=".conformed .exceeded"
    shift 4
    # shellcheck disable=SC2086 # several words are meant
    before="$(calmly "$count" vm1 judged vm1 "$direction" $fates) $(lost)"
    "$@"
    # shellcheck disable=SC2086
    after="$(calmly "$count" vm1 judged vm1 "$direction" $fates) $(lost)"
    read -r packets bytes judged_packets judged_bytes exceeded dropped < <(
        awk '{ for (i = 1; i <= 6; i++) printf "%d ", $(i + 6) - $i; print "" }' <<<"$before $after")
    # A veth counts what goes to XDP without its Ethernet header.
    [[ $hook == tc ]] || bytes=$judged_bytes
    expect "$what: what was judged" "$packets $bytes" "$judged_packets $judged_bytes"
    expect "$what: drops are named" "$exceeded" "$dropped"
    expect_within "$what: so many" 1 1000000 "$dropped"
}
lost() {
    local exceeded
    read -r exceeded _ < <(judged vm1 "$direction" .exceeded)
    echo "$exceeded $(dropped "$reason")"
}

sl qos set vm1 --ingress-rate 8mbit --ingress-burst 100kb
counted in sent_by qos-rate "policed, translated" expect_rate "policed, translated" 8 vm1 server $LAB_SERVER4
counted in sent_by qos-rate "policed, IPv6" expect_rate "policed, IPv6" 8 vm1 vm2 fd77:0:0:2::12
sl qos set vm1 --ingress-rate unlimited --pps 400
pour vm1 server $LAB_SERVER4 9000 2000 1
expect_within "packets of 400 a second" 200 800 "$CAME"
expect_within "$SENT sent: each that is missing is named" \
    $((SENT - CAME)) $((SENT - CAME + OWN_FRAMES)) "$(dropped qos-pps)"

sl qos set vm1 --pps unlimited
for shaper in htb police; do
    sl qos set vm1 --egress-rate 8mbit --egress-burst 100kb --shaper $shaper
    expect "the shaper in force" $shaper "$(ask .port.out.shaper qos show vm1)"
    counted out received_by qos-egress "$shaper" expect_rate "$shaper, IPv4" 8 vm2 vm1 10.77.1.11
    counted out received_by qos-egress "$shaper" expect_rate "$shaper, IPv6" 8 vm2 vm1 fd77:0:0:1::11
done
expect "what \`qos list\` counts is what \`qos show\` does" "$(judged vm1 out .conformed .exceeded)" \
    "$(ask '[.ports[].out | .conformed, .exceeded] |
        "\(map(.packets) | add) \(map(.bytes) | add)"' qos list --interval 10ms)"

# Blocked, and let go again.
reaches() { lab_in vm1 ping -q -c 1 -W 1 "$1" >/dev/null; }
for direction in ingress egress; do
    sl qos set vm1 --$direction-rate 0
    reaches $LAB_SERVER4 && fail "$direction is blocked and lets a ping through"
    sl qos set vm1 --$direction-rate unlimited
    reaches $LAB_SERVER4 || fail "$direction is unlimited and lets no ping through"
done
echo "ok: blocked and unblocked"

# Streams, one each way, translated, survive changes of all kinds.
stream vm1 server $LAB_SERVER4 4 --bidir
expect_soon 3 "sessions of the stream" is 3 .sessions nat session count proto=tcp
for change in "--ingress-rate 100mbit" "--egress-rate 200mbit --shaper htb" "--pps 20kpps" \
    "--egress-rate 50mbit --shaper police" "--ingress-rate 0" "--ingress-rate 300mbit" \
    "--egress-rate 20mbit --shaper auto" "--ingress-burst 64kb" "--egress-rate 0" \
    "--egress-rate unlimited --ingress-rate unlimited --pps unlimited"; do
    # shellcheck disable=SC2086 # several words are meant
    sl qos set vm1 $change >/dev/null
    sleep 0.2
done
expect "sessions after ten changes" 3 "$(ask .sessions nat session count proto=tcp)"
stream_end
expect_within "Mbit/s through ten changes" 1 1000000 "$MBIT"
sl qos del vm1
expect "drift" 0 "$(ask '.drift | length' status)"
expect "counters hold" true "$(ask .consistent stats)"
