/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_TIME_H
#define SLUICE_BPF_TIME_H

#include <bpf/bpf_helpers.h>
#include "sluice/abi/types.h"

/*
 * The coarse clock moves once a jiffy (1 to 10 ms) and costs a tenth of the exact one; nothing
 * here needs better (bpf_ktime_get_coarse_ns: Linux 5.11).
 */
static __always_inline __u32 sl_tick_now(void)
{
	return bpf_ktime_get_coarse_ns() >> SL_TICK_SHIFT;
}

static __always_inline __u32 sl_epoch_now(void)
{
	return bpf_ktime_get_coarse_ns() >> SL_EPOCH_SHIFT;
}

#endif
