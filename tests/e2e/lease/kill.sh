#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 in the middle of giving, releasing, binding and importing addresses: none is given twice,
# none is lost, and kernel and dnsmasq's file are what the database says.
. "$(dirname "$0")/../../harness/e2e.sh"

lab_new e2e
lab_routed
rounds=$((${SLUICE_TEST_LONG:-0} ? 40 : 6))
lab_up
sl port add vm1 --role access
sl mac pool add all --prefix 02:00:00:00:03 --cooldown 0s --ip-pool 10.77.1.0/24
sl mac dhcp set --hosts-file "$LAB_DIR/dhcp-hosts"

# consistent WHAT: any command that changes leases mends what was left; then all agree.
consistent() {
    local leases kernel hosts
    sl mac alloc mender --port vm1 >/dev/null
    leases=$(ask '.leases[] | select(.released == null) | .mac' mac list | sort)
    [[ -z $(uniq -d <<<"$leases") ]] || fail "$1: given twice: $(uniq -d <<<"$leases")"
    kernel=$(bpftool -j map dump pinned "/sys/fs/bpf/sluice/$LAB/maps/sl_leases" |
        jq -r '.[].key[2:] | map(ltrimstr("0x")) | join(":")' | sort)
    [[ $leases == "$kernel" ]] || fail "$1: the kernel has others:
$(diff <(echo "$leases") <(echo "$kernel"))"
    hosts=$(grep -v '^#' "$LAB_DIR/dhcp-hosts" | cut -d, -f1 | sort)
    [[ $leases == "$hosts" ]] || fail "$1: dnsmasq's file has others:
$(diff <(echo "$leases") <(echo "$hosts"))"
    [[ $(ask '.drift | length' status) == 0 ]] || fail "$1: drift: $(ask '.drift[].text' status)"
}

start=$(now_ns)
sl mac alloc first --port vm1 >/dev/null
time=$(($(now_ns) - start))

# What a killed command printed was given: asked again, it is the same.
for ((round = 0; round < rounds; round++)); do
    killed_after $((time * round / (rounds - 1))) mac alloc "vm$round" --port vm1
    printed=$(head -n 1 "$LAB_DIR/answer")
    consistent "alloc killed"
    again=$(sl mac alloc "vm$round" | head -n 1)
    [[ -z $printed || $printed == "$again" ]] || fail "vm$round had $printed and has $again"
done
echo "ok: alloc killed $rounds times"

for ((round = 0; round < rounds; round++)); do
    killed_after $((time * round / (rounds - 1))) mac release "vm$round"
    consistent "release killed"
    killed_after $((time * round / (rounds - 1))) mac bind "06:00:00:00:00:$(printf %02x "$round")" \
        --vm "bound$round" --port vm1 --ip "192.0.2.$((round + 1))"
    consistent "bind killed"
    sl mac release "bound$round" >/dev/null 2>&1 || true
done
echo "ok: release and bind killed $rounds times"

seq -f 'many%g' 1 150 >"$LAB_DIR/many"
before=$(ask .count mac list)
for ((round = 0; round < rounds; round++)); do
    killed_after $((2 * time * round / (rounds - 1))) mac alloc --batch "$LAB_DIR/many"
    consistent "a batch killed"
    given=$(ask '[.leases[] | select(.vm | startswith("many"))] | length' mac list)
    [[ $given == 0 || $given == 150 ]] || fail "$given of a batch of 150 were given"
done
echo "ok: a batch killed $rounds times"
expect_within "leases in the end" "$before" $((before + 151)) "$(ask .count mac list)"
