/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Token buckets limit events that are rare: a rate a second, and as many at once. A bucket is one
 * aligned word, which changes as a whole, so that several CPUs may take from it. All zero, it is
 * full.
 */
#ifndef SLUICE_BPF_LIB_TOKENS_H
#define SLUICE_BPF_LIB_TOKENS_H

#include "lib/time.h"

#define SL_TICKS_PER_SECOND 954 /* 10^9 / 2^20 */
#define SL_TOKEN_TRIES	    4

union sl_tokens {
	struct {
		__u32 left, filled; /* the tick at which some were added last */
	};
	__u64 whole;
};

static __always_inline union sl_tokens sl_tokens_fill(union sl_tokens old, __u32 rate, __u32 now)
{
	__u32 elapsed = now - old.filled, earned;

	if (elapsed >= SL_TICKS_PER_SECOND) /* also the very first time */
		return (union sl_tokens){.left = rate, .filled = now};
	earned = elapsed * rate / SL_TICKS_PER_SECOND;
	old.left += earned;
	/* The rest earns on. Rounded up, or more than one a tick would be earned for ever. */
	old.filled += (earned * SL_TICKS_PER_SECOND + rate - 1) / rate;
	if (old.left > rate)
		old.left = rate;
	return old;
}

/* Takes one of `rate` tokens a second, which must not be 0, and be less than 2^21. */
static __always_inline bool sl_tokens_take(__u64 *bucket, __u32 rate)
{
	__u32 now = sl_tick_now();

	for (int i = 0; i < SL_TOKEN_TRIES; i++) {
		union sl_tokens old = {.whole = READ_ONCE(*bucket)};
		union sl_tokens new = sl_tokens_fill(old, rate, now);

		if (!new.left)
			return false;
		new.left--;
		if (__sync_val_compare_and_swap(bucket, old.whole, new.whole) == old.whole)
			return true;
	}
	return false;
}

#endif
