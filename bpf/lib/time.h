/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_TIME_H
#define SLUICE_BPF_LIB_TIME_H

#include <bpf/bpf_helpers.h>
#include "sluice/abi/types.h"

/*
 * Length of a jiffy and the number of the first one (300 s before 0, to find overflows early:
 * linux/jiffies.h). Set by the loader; these are for HZ = 250, which Debian has.
 */
const volatile __u64 sl_jiffy_ns = 4000000;
const volatile __u64 sl_first_jiffy = (1ull << 32) - 300 * 250;

/*
 * Reads CLOCK_MONOTONIC in ns, in steps of a jiffy (1 to 10 ms). It is one load, where even the
 * coarse clock costs 15 ns (bpf_jiffies64: Linux 5.6).
 */
static __always_inline __u64 sl_clock(void)
{
	return (bpf_jiffies64() - sl_first_jiffy) * sl_jiffy_ns;
}

static __always_inline __u32 sl_tick_now(void)
{
	return sl_clock() >> SL_TICK_SHIFT;
}

static __always_inline __u32 sl_epoch_now(void)
{
	return sl_clock() >> SL_EPOCH_SHIFT;
}

/*
 * Reads the epoch as user space does, for times that it compares with its own: jiffies do not
 * follow what NTP corrects, minutes in a year (bpf_ktime_get_coarse_ns: Linux 5.11).
 */
static __always_inline __u32 sl_epoch_exact(void)
{
	return bpf_ktime_get_coarse_ns() >> SL_EPOCH_SHIFT;
}

#endif
