# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # SENT and CAME are for those who source this file
# Traffic that is more than a rate, for the end-to-end tests; sourced after e2e.sh.

# pour FROM TO ADDRESS PORT PPS SECONDS [ARGUMENTS...]: datagrams of 1200 bytes by UDP; $SENT and $CAME
# tell how many, $CAME_JSON what the other end knows.
pour() {
    local listener
    lab_spawn "$2" "$E2E_HARNESS/traffic.py" gather "$4" 3 0.4
    listener=$!
    lab_wait 5 lab_listening "$2" "$4" || fail "nobody gathers on $2"
    SENT=$(traffic "$1" pour "$3" "$4" "$5" "$6" 1200 "${@:7}")
    wait $listener || fail "gathering on $2: $(<"$LAB_DIR/$listener.out")"
    CAME_JSON=$(tail -n 1 "$LAB_DIR/$listener.out")
    CAME=$(jq .datagrams <<<"$CAME_JSON")
}

# expect_rate WHAT MBIT FROM TO ADDRESS [PORT]: of four times the rate half to twice of it come.
expect_rate() {
    local pps=$(($2 * 1000000 / 8 / 1250))
    pour "$3" "$4" "$5" "${6:-9000}" $((pps * 4)) 1
    expect_within "$1: datagrams that come" $((pps / 2)) $((pps * 2)) "$CAME"
}

# sent_by HOST, received_by HOST: packets and bytes of its eth0. Bytes are those of the frames.
sent_by() { interface_counts "$1" tx; }
received_by() { interface_counts "$1" rx; }
interface_counts() {
    ip -n "$LAB-$1" -j -s link show dev eth0 | jq -r ".[].stats64.$2 | \"\(.packets) \(.bytes)\""
}

# calmly COUNT HOST COMMAND...: what the command says of a moment in which the host's own counts,
# sent_by or received_by, stood still; and these.
calmly() {
    local before judged
    while true; do
        before=$("$1" "$2")
        judged=$("${@:3}")
        [[ $before == "$("$1" "$2")" ]] && break
    done
    echo "$before $judged"
}

# judged PORT in|out FATE...: packets and bytes of it; FATE: conformed, exceeded, or both.
judged() {
    ask "[.port.$2 | $(sed 's/ /, /g' <<<"${*:3}") ] |
        \"\(map(.packets) | add) \(map(.bytes) | add)\"" qos show "$1" --interval 10ms
}

# dropped REASON: packets.
dropped() { ask "[.drops[] | select(.reason == \"$1\") | .packets] | add // 0" drops; }

# is_dropped COUNT REASON, for expect_soon: so many, and perhaps what the ends sent of their own.
is_dropped() {
    local now
    now=$(dropped "$2")
    ((now >= $1 && now <= $1 + OWN_FRAMES))
}
OWN_FRAMES=3 # neighbour discovery and the like

# stream FROM TO ADDRESS SECONDS [ARGUMENTS...]: an iperf3 stream in the background; stream_end: it
# came through, and how many Mbit/s reached the other end are in $MBIT.
stream() {
    lab_spawn "$2" iperf3 -s -1
    lab_wait 5 lab_listening "$2" 5201
    lab_spawn "$1" iperf3 -J -c "$3" -t "$4" "${@:5}"
    STREAM=$!
}
stream_end() {
    wait $STREAM || fail "the stream: $(jq .error "$LAB_DIR/$STREAM.out")"
    MBIT=$(jq '.end.sum_received.bits_per_second / 1e6 | floor' "$LAB_DIR/$STREAM.out")
}
