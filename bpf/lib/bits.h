/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_BITS_H
#define SLUICE_BPF_BITS_H

#include <linux/types.h>

/*
 * Index of the lowest set bit; x must not be 0. BPF has no instruction for it. Counts the ones
 * below it without a branch: every branch would double what the verifier has to look at.
 */
static __always_inline __u32 sl_lowest_bit(__u64 x)
{
	__u64 below = (x & -x) - 1;

	below -= (below >> 1) & 0x5555555555555555ull;
	below = (below & 0x3333333333333333ull) + ((below >> 2) & 0x3333333333333333ull);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (below * 0x0101010101010101ull) >> 56;
}

#endif
