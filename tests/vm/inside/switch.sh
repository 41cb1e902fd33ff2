#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What leaves sluice's ports is what leaves those of a Linux bridge with VLAN filtering, whatever
# enters. Runs in the guest of linux61.sh, whose kernel has VLAN filtering.
# switch.sh tc|xdp [FRAMES]    FRAMES: of each case
. "$(dirname "$0")/../../harness/e2e.sh"
. "$E2E_HARNESS/oracle.sh"
hook=$1
frames=${2:-200}

lab_new e2e
oracle_rig
lab_up
oracle --frames "$frames" --hook "$hook"
expect "counters hold" true "$(ask .consistent stats)"
