#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A pool of 256 addresses, taken by 8 processes at once: all are given, none twice, the next is
# refused; whatever the strategy. And one that the wire shows alive is never given to another.
. "$(dirname "$0")/../../harness/e2e.sh"
strategy=$1

lab_new e2e
lab_outside 1500
lab_up
sl mac pool add all --prefix 02:00:00:00:01 --strategy "$strategy"

# uuid_of N: a VM's UUID; the strategy uuid wants one.
uuid_of() { printf '%08x-0000-4000-8000-%012x' "$1" "$1"; }

# taker N: 32 VMs ask one after the other. One line each: the VM and its MAC.
taker() {
    local i
    for ((i = $1 * 32; i < ($1 + 1) * 32; i++)); do
        echo "vm$i $(sl mac alloc "vm$i" --uuid "$(uuid_of $i)" || true)"
    done >"$LAB_DIR/taken.$1"
}
pids=()
for n in {0..7}; do
    taker "$n" &
    pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid"; done

expect "MACs given" 256 "$(cat "$LAB_DIR"/taken.* | awk 'NF == 2' | wc -l)"
expect "MACs of their own" 256 "$(cat "$LAB_DIR"/taken.* | awk '{ print $2 }' | sort -u | wc -l)"
expect "all of the pool" 256 "$(cat "$LAB_DIR"/taken.* | awk '{ print $2 }' | grep -c '^02:00:00:00:01:..$')"
expect_refusal 4 "no free address" mac alloc late --uuid "$(uuid_of 999)"

expect "those in the database" "$(cat "$LAB_DIR"/taken.* | sort)" \
    "$(ask '.leases[] | .vm + " " + .mac' mac list | sort)"
expect "those in the kernel" 256 \
    "$(bpftool -j map dump pinned "/sys/fs/bpf/sluice/$LAB/maps/sl_leases" | jq length)"
expect "asked again" "$(awk '$1 == "vm77" { print $2 }' "$LAB_DIR"/taken.*)" \
    "$(sl mac alloc vm77 --uuid "$(uuid_of 77)")"

sl mac release vm77
expect_refusal 4 "cooldown" mac alloc late --uuid "$(uuid_of 999)"
expect "drift" 0 "$(ask '.drift | length' status)"
