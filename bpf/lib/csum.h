/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This is the arithmetic of Internet checksums (RFC 1071, RFC 1624). A sum is a one's complement
 * number of 32 bits over 16-bit words in the order they have in memory, so no byte order conversion
 * is needed.
 */
#ifndef SLUICE_BPF_LIB_CSUM_H
#define SLUICE_BPF_LIB_CSUM_H

#include <linux/types.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

static __always_inline __u32 sl_csum_fold64(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

/* Folds a sum below 2^47: each step leaves at most half the bits and a carry. */
static __always_inline __u16 sl_csum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/*
 * Is this what the sum folds to? It is if they differ by a multiple of 0xffff, and they do just if
 * the difference times the inverse of 0xffff, modulo 2^64, is at most (2^64 - 1) / 0xffff. 0 passes
 * for 0xffff, which in one's complement is the same number.
 */
static __always_inline bool sl_csum_folds_to(__u64 sum, __u16 folded)
{
	return (sum + 0xffff - folded) * 0xfffefffefffeffffull <= 0x0001000100010001ull;
}

/* What a TTL that is one less adds to a sum: it is the first byte of its word (RFC 791). */
#define SL_CSUM_TTL_LESS ((__u16)~bpf_htons(0x0100))

/*
 * Tells what a change of two 32-bit words adds to a sum: less than 2^34, and 0 if nothing changed.
 */
static __always_inline __u64 sl_csum_diff32(__be32 from_a, __be32 to_a, __be32 from_b, __be32 to_b)
{
	if (from_a == to_a && from_b == to_b)
		return 0;
	return (__u64)(__u32)~from_a + to_a + (__u32)~from_b + to_b;
}

static __always_inline __u32 sl_csum_diff16(__be16 from_a, __be16 to_a, __be16 from_b, __be16 to_b)
{
	if (from_a == to_a && from_b == to_b)
		return 0;
	return (__u32)(__u16)~from_a + to_a + (__u16)~from_b + to_b;
}

/* Makes the checksum field anew, after the words it covers changed by diff: RFC 1624 equation 3. */
static __always_inline __u16 sl_csum_update(__u16 check, __u64 diff)
{
	return ~sl_csum_fold((__u64)(__u16)~check + diff);
}

#endif
