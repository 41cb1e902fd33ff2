/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storm control limits how many frames a second of a kind a port may have flooded. A token bucket
 * of a tenth of a second does it, exact over all CPUs.
 */
#ifndef SLUICE_BPF_SWITCH_STORM_H
#define SLUICE_BPF_SWITCH_STORM_H

#include "lib/time.h"
#include "maps/maps.h"

#define SL_STORM_FRAME	1000 /* what a frame costs */
#define SL_STORM_BUCKET 100  /* for each frame a second: a tenth of a second's */
#define SL_STORM_REFILL 95   /* ticks after which the bucket is full, whatever was in it */

/* Fills the bucket for all, if this CPU is the first to see a new tick. */
static __always_inline void sl_storm_refill(__u32 rate, __u32 *tick, __u32 *left)
{
	__u32 now = sl_tick_now() ?: 1, last = READ_ONCE(*tick), elapsed = now - last;
	__u64 full = (__u64)rate * SL_STORM_BUCKET, fill;

	if (full < SL_STORM_FRAME)
		full = SL_STORM_FRAME;
	if (full > 0x7fffffff)
		full = 0x7fffffff;
	if (last == now || __sync_val_compare_and_swap(tick, last, now) != last)
		return;
	/* 1048.576 thousandths of the rate's frame a tick, over 1000 ticks and some. */
	fill = last && elapsed < SL_STORM_REFILL ? (__u64)rate * elapsed * 1049 / 1000 : full;
	if (READ_ONCE(*left) + fill >= full)
		WRITE_ONCE(*left, full);
	else
		__sync_fetch_and_add(left, (__u32)fill);
}

/* May one more frame of this kind be flooded? */
static __always_inline bool sl_storm_allows(const struct sl_switch_port *sp,
					    struct sl_switch_state *state, __u32 kind)
{
	__u32 rate, *left;

	if (kind >= SL_STORM_MAX)
		return true;
	rate = sp->storm[kind];
	if (likely(!rate))
		return true;
	left = &state->storm_left[kind];
	sl_storm_refill(rate, &state->storm_tick[kind], left);
	if ((__s32)__sync_fetch_and_sub(left, SL_STORM_FRAME) >= SL_STORM_FRAME)
		return true;
	__sync_fetch_and_add(left, SL_STORM_FRAME);
	return false;
}

#endif
