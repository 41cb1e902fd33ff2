/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_BITS_H
#define SLUICE_BPF_BITS_H

#include <linux/types.h>

/*
 * How many bits are set. BPF has no instruction for it. Without a branch: every branch would double
 * what the verifier has to look at.
 */
static inline __attribute__((always_inline)) __u32 sl_count_bits(__u64 x)
{
	x -= (x >> 1) & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (x * 0x0101010101010101ull) >> 56;
}

/* Index of the lowest set bit; x must not be 0. Counts the ones below it. */
static inline __attribute__((always_inline)) __u32 sl_lowest_bit(__u64 x)
{
	return sl_count_bits((x & -x) - 1);
}

/* The same number, of whose making the compiler knows nothing. */
static inline __attribute__((always_inline)) __u32 sl_opaque(__u32 x)
{
	__asm__ __volatile__("" : "+r"(x));
	return x;
}

#endif
