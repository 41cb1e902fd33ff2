#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The policy as the kernel asks it. Runs in the guest of linux61.sh.
. "$(dirname "$0")/../../harness/e2e.sh"

"${SLUICE%/cli/sluice}/tests/packet/sluice_packet_tests" --gtest_filter='PolicyKernel.*'
