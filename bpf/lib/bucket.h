/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The token bucket is exact over all CPUs, since its whole state is one number that changes by
 * compare and exchange. It builds for the host as well, where its tests are.
 *
 * In every stretch of time t the frames that conform take at most rate * t + burst bytes; but a
 * frame larger than the burst may leave when the bucket is full, and those after it wait for that.
 */
#ifndef SLUICE_BPF_LIB_BUCKET_H
#define SLUICE_BPF_LIB_BUCKET_H

#include <stdbool.h>

#include "sluice/abi/qos.h"

#define SL_BUCKET_TRIES 64 /* of that many CPUs at one bucket one always gets on */
#define SL_BUCKET_OVER	(~0ull)

/* Tells what so much costs. It rounds up, so that nothing costs too little. */
static inline __u64 sl_bucket_cost(const struct sl_bucket *bucket, __u32 amount)
{
	return (bucket->cost * amount + (1 << SL_BUCKET_COST_SHIFT) - 1) >> SL_BUCKET_COST_SHIFT;
}

/*
 * Charges a frame. @param at the bucket's state @param now, patience in bucket time
 * @param amount bytes, or frames @return how long the frame has to wait, up to `patience`; or
 * SL_BUCKET_OVER, with nothing charged.
 */
static inline __u64 sl_bucket_charge(const struct sl_bucket *bucket, __u64 *at, __u64 now,
				     __u32 amount, __u64 patience)
{
	__u64 cost = sl_bucket_cost(bucket, amount);

	for (int i = 0; i < SL_BUCKET_TRIES; i++) {
		__u64 old = *(volatile __u64 *)at, ahead = old - now, wait = 0;

		if (ahead > bucket->most) /* behind now, or nonsense: the bucket is full */
			ahead = 0;
		if (ahead && ahead + cost > bucket->limit)
			wait = ahead + cost - bucket->limit;
		if (wait > patience)
			return SL_BUCKET_OVER;
		if (__sync_val_compare_and_swap(at, old, now + ahead + cost) == old)
			return wait;
	}
	return SL_BUCKET_OVER;
}

/*
 * Charges a frame that may not wait, from what this CPU has taken in advance: most frames need no
 * atomic instruction.
 * @param credit the CPU's own
 * @return whether it conforms
 */
static inline bool sl_bucket_take(const struct sl_bucket *bucket, __u64 *at, __u64 *credit,
				  __u64 now, __u32 bytes)
{
	__u32 chunk = bucket->chunk, need;

	if (*credit >= bytes) {
		*credit -= bytes;
		return true;
	}
	need = bytes - *credit;
	if (chunk && !sl_bucket_charge(bucket, at, now, need + chunk, 0)) {
		*credit = chunk;
		return true;
	}
	if (sl_bucket_charge(bucket, at, now, need, 0))
		return false;
	*credit = 0;
	return true;
}

/* Gives back what a frame was charged that does not go after all. */
static inline void sl_bucket_refund(const struct sl_bucket *bucket, __u64 *at, __u32 amount)
{
	__sync_fetch_and_sub(at, sl_bucket_cost(bucket, amount));
}

#endif
