# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Attackers against guarded ports, for the end-to-end tests; sourced after e2e.sh.

# own_identity HOST: guards the host's port: its MAC and the addresses that it has now.
own_identity() {
    sl guard set "$1" --macs "$(mac "$1" eth0)" --address "$(addresses "$1" | paste -sd,)"
}
# addresses HOST: its own, without the link-local.
addresses() {
    ip -n "$LAB-$1" -j addr show dev eth0 |
        jq -r '.[].addr_info[] | select(.scope == "global") | .local'
}

# counted FATE REASON: frames of vm1 that the guard dropped (or audited).
counted() { ask "[.guard.refused[] | select(.reason == \"$2\") | .$1] | add // 0" guard show vm1; }

# counts NUMBER FATE REASON: whether it is so many, for expect_soon.
counts() { [[ $(counted "$2" "$3") == "$1" ]]; }

# reported KIND REASON JQ: whether an event about vm1 (drop, audit) shows a frame of which JQ holds.
reported() {
    [[ $(ask "any(.events[]; .reason == \"$2\" and ($3))" events --port vm1 --kind "$1") == true ]]
}

# frames_against VICTIM ROUTER: the frames of attack.py from vm1, a line each: name, reason, frames.
frames_against() {
    "$E2E_HARNESS/attack.py" "$(jq -n "{attacker: $(described vm1 eth0), victim: $(described "$1" eth0),
        router: $(described gateway "$2")}")"
}
described() {
    local show=(ip -n "$LAB-$1" -j addr show dev "$2")
    "${show[@]}" | jq '.[] | {mac: .address,
        ip4: first(.addr_info[] | select(.family == "inet") | .local),
        ip6: first(.addr_info[] | select(.family == "inet6" and .scope == "global") | .local)}'
}

# witness HOST: writes down what reaches the host, in $WITNESSED, until witness_end.
witness() {
    WITNESSED="$LAB_DIR/$1.pcap"
    lab_spawn "$1" tcpdump -n -i eth0 -Q in -U --immediate-mode -w "$WITNESSED"
    WITNESS=$!
    lab_wait 5 grep -q listening "$LAB_DIR/$!.out" || fail "no tcpdump on $1"
}

witness_end() { lab_reap "$WITNESS"; }

# arrived NAME: whether a frame of that attack reached the witness's host.
arrived() { grep -aFq "sluice: $1;" "$WITNESSED"; }

# witnessed FILTER: how many frames of this kind did.
witnessed() { tcpdump -n -r "$WITNESSED" "$1" 2>/dev/null | wc -l; }

# frame_count FRAMES: how many there are between commas.
frame_count() { awk -F, '{ print NF }' <<<"$1"; }

# strike NAME REASON FRAMES: vm1 sends them until an event shows the first as it was; all are dropped
# for the reason. (There is one event a second for each reason.)
strike() {
    local sent=0 before first=${3%%,*}
    before=$(counted dropped "$2")
    until reported drop "$2" ".header == \"${first:0:192}\""; do
        ((++sent < 40)) || fail "no event of $1 as $2: $(ask '.events[-1]' events --port vm1)"
        traffic vm1 whisper eth0 "$3" 1
    done
    expect_soon 3 "$1: all dropped as $2, and reported" \
        counts $((before + sent * $(frame_count "$3"))) dropped "$2"
}
