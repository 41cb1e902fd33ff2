/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_BITS_H
#define SLUICE_BPF_LIB_BITS_H

#include <linux/types.h>

/*
 * Counts the bits that are set, for which BPF has no instruction. It has no branch: every branch
 * would double what the verifier has to look at.
 */
static inline __attribute__((always_inline)) __u32 sl_count_bits(__u64 x)
{
	x -= (x >> 1) & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (x * 0x0101010101010101ull) >> 56;
}

/* Tells the index of the lowest set bit, by counting the ones below it; x must not be 0. */
static inline __attribute__((always_inline)) __u32 sl_lowest_bit(__u64 x)
{
	return sl_count_bits((x & -x) - 1);
}

/* Tells the index of the highest set bit; x must not be 0. */
static inline __attribute__((always_inline)) __u32 sl_highest_bit(__u64 x)
{
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	return sl_count_bits(x) - 1;
}

/*
 * Tells the index of the nth set bit, from 0 on; x must have more than nth. It goes by halves, and
 * without a branch: a loop over nth bits has no end that every verifier sees.
 */
static inline __attribute__((always_inline)) __u32 sl_nth_bit(__u64 x, __u32 nth)
{
	__u32 index = 0;

	for (__u32 half = 32; half; half >>= 1) {
		__u32 below = sl_count_bits(x & ((1ull << half) - 1));
		__u32 beyond = (below - nth - 1) >> 31; /* 1: it is in the upper half */

		nth -= below & -beyond;
		x >>= half * beyond;
		index += half * beyond;
	}
	return index;
}

/* A word as four lanes of 16 bits. */
#define SL_LANES     0x0001000100010001ull
#define SL_LANE_TOPS 0x8000800080008000ull

/*
 * Sets some bit of the tops if a lane is zero; else 0. It takes fewer instructions than the next.
 */
static inline __attribute__((always_inline)) __u64 sl_lanes_any_zero(__u64 word)
{
	return (word - SL_LANES) & ~word & SL_LANE_TOPS;
}

/* Tells which lanes are zero: a bit each, the lowest lane's the lowest. */
static inline __attribute__((always_inline)) __u32 sl_lanes_zero(__u64 word)
{
	__u64 zero = ~(((word & ~SL_LANE_TOPS) + ~SL_LANE_TOPS) | word) & SL_LANE_TOPS;

	/* Bits 0, 16, 32 and 48 are moved to 48 to 51. */
	return (zero >> 15) * 0x0001000200040008ull >> 48;
}

/* Returns the same number, but the compiler does not know how it was made. */
static inline __attribute__((always_inline)) __u32 sl_opaque(__u32 x)
{
	__asm__ __volatile__("" : "+r"(x));
	return x;
}

#endif
