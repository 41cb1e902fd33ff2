#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The oracle of switch.sh finds nothing where two bridges are set up alike, and finds whatever is
# set up otherwise. Runs in the guest of linux61.sh.
# oracle.sh [FRAMES]    FRAMES: of each case
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/oracle.sh"
frames=${1:-100}

lab_new e2e
oracle_rig
oracle --frames "$frames" --self nothing
lab_scrap
for wrong in leak isolated flood multicast broadcast learn locked entry; do
    oracle_rig
    if oracle --frames "$frames" --self $wrong >"$LAB_DIR/found" 2>&1; then
        fail "the oracle does not see: $wrong"
    fi
    expect_match "the oracle sees: $wrong" "frame [0-9]+ \\(--seed 1\\) by port" "$(<"$LAB_DIR/found")"
    lab_scrap
done
