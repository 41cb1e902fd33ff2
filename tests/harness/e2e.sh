# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Harness of the end-to-end tests, sourced first by each case. A case is a script that makes a lab,
# does something and expects something; the first expectation that does not hold ends it.
# Environment: SLUICE, the binary under test.
set -Eeuo pipefail

E2E_HARNESS=$(dirname "${BASH_SOURCE[0]}")
[[ -x ${SLUICE:-} ]] || { echo "set SLUICE to the binary under test"; exit 1; }
. "$E2E_HARNESS/../../scripts/lab.sh"

if ((EUID != 0)); then
    echo "SKIP: needs root, for network namespaces and BPF"
    exit 77
fi
trap '((BASH_SUBSHELL)) || fail "$BASH_COMMAND: exit code $?"' ERR

# fail TEXT: ends the case, showing how things stood.
fail() {
    trap - ERR
    set +e
    printf '\nFAIL: line %s: %s\n\n' "${BASH_LINENO[-2]}" "$1"
    if [[ -d $SLUICE_STATE_DIR/$LAB ]]; then
        for view in status stats drops "nat pool show" "nat session count"; do
            echo "--- sluice $view"
            # shellcheck disable=SC2086 # two words are meant
            lab_sluice $view 2>&1
        done
    fi
    exit 1
}

# expect WHAT EXPECTED GOT
expect() {
    [[ $2 == "$3" ]] || fail "$1: expected '$2', got '$3'
$(diff <(echo "$2") <(echo "$3"))"
    echo "ok: $1"
}

# expect_within WHAT LOW HIGH GOT
expect_within() {
    (($4 >= $2 && $4 <= $3)) || fail "$1: expected $2 to $3, got $4"
    echo "ok: $1 ($4)"
}

# expect_match WHAT PATTERN GOT: GOT contains PATTERN, an extended regular expression.
expect_match() {
    [[ $3 =~ $2 ]] || fail "$1: expected a match of '$2', got '$3'"
    echo "ok: $1"
}

# expect_soon SECONDS WHAT COMMAND...: the command succeeds before the time is up.
expect_soon() {
    lab_wait "$1" "${@:3}" || fail "$2: not within $1 s: ${*:3}"
    echo "ok: $2"
}

# expect_refusal CODE PATTERN ARGUMENTS...: sluice fails with the exit code and says so.
expect_refusal() {
    local text code=0
    text=$(sl "${@:3}" 2>&1) || code=$?
    expect "exit code of sluice ${*:3}" "$1" "$code"
    expect_match "its message" "$2" "$text"
}

# sl ARGUMENTS...: sluice on the lab's instance.
sl() { lab_sluice "$@"; }

# ask JQ ARGUMENTS...: one value of what sluice answers in JSON.
ask() { sl --json "${@:2}" | jq -r "$1"; }

# is VALUE JQ ARGUMENTS...: whether sluice answers so, for expect_soon.
is() { [[ $(ask "${@:2}") == "$1" ]]; }

# now_ns; nap NS
now_ns() { date +%s%N; }
nap() { sleep "$(printf '%d.%09d' $(($1 / 1000000000)) $(($1 % 1000000000)))"; }

# killed_after NS ARGUMENTS...: sluice, killed when the time is up; what it wrote is in
# $LAB_DIR/answer. It is started by itself: of a function in the background, $! would be the shell
# that runs it.
killed_after() {
    local pid
    : >"$LAB_DIR/answer" # a process that is killed at once opens nothing
    "$SLUICE" --instance "$LAB" "${@:2}" >"$LAB_DIR/answer" 2>&1 &
    pid=$!
    nap "$1"
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

# gate HOOK [UP ARGUMENTS]...: the instance, both vms, the uplink and a masquerade.
gate() {
    lab_up "${@:2}"
    sl port add vm1 --role access --hook "$1"
    sl port add vm2 --role access --hook "$1"
    sl port add wan --role uplink --hook "$1"
    sl nat masquerade add --source $LAB_NET4 --uplink wan
}

# traffic HOST ARGUMENTS...: tests/harness/traffic.py on a host.
traffic() {
    lab_in "$1" "$E2E_HARNESS/traffic.py" "${@:2}"
}

# serve HOST PORT: an echo server by TCP and UDP. It lists its clients in $SERVED.
serve() {
    lab_spawn "$1" "$E2E_HARNESS/traffic.py" serve "$2"
    SERVED="$LAB_DIR/$!.out"
    # An emulated guest beside another one takes its time to start an interpreter.
    lab_wait 20 lab_listening "$1" "$2" || fail "no server on $1: $(<"$SERVED")"
}

# client_seen PATTERN: whether the last server had a client whose line matches.
client_seen() { grep -Eq "$1" "$SERVED"; }

# mac HOST IF
mac() { ip -n "$LAB-$1" -j link show dev "$2" | jq -r '.[].address'; }

# snapshot IF...: all that can be told of interfaces of the gateway, but for counters.
snapshot() {
    local if
    for if in "$@"; do
        ip -n "$LAB-gateway" -d link show dev "$if" | sed -E 's/(timer) +[0-9.]+/\1/g'
        ip -n "$LAB-gateway" addr show dev "$if"
        for hook in "" ingress egress; do
            # shellcheck disable=SC2086 # none is meant to vanish
            lab_in gateway tc filter show dev "$if" $hook
        done
        lab_in gateway tc qdisc show dev "$if"
        lab_in gateway bpftool net show dev "$if"
        lab_in gateway "$E2E_HARNESS/tcx.py" "$if"
        lab_in gateway ethtool -k "$if"
        # A few can only be written.
        lab_in gateway grep -rs . /proc/sys/net/ipv{4,6}/conf/"$if" | sort || true
    done
}

# compile_foreign: somebody else's programs, $LAB_DIR/foreign.o; foreign_count: what they counted.
compile_foreign() {
    clang-19 -target bpf -O2 -g -isystem "/usr/include/$(gcc -print-multiarch)" \
        -c "$E2E_HARNESS/../e2e/bpf/foreign.bpf.c" -o "$LAB_DIR/foreign.o"
}
foreign_count() {
    local id
    id=$(bpftool -j map list | jq '[.[] | select(.name == "foreign_count") | .id] | max')
    bpftool -j map dump id "$id" | jq '[.[].formatted.value] | add'
}
