/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Look-ups in the image of the block list (sluice/abi/block.h). It builds for the host as well,
 * where its tests are: who includes it provides sl_block_line_at(), and on the host bpf_loop().
 */
#ifndef SLUICE_BPF_BLOCK_H
#define SLUICE_BPF_BLOCK_H

#include <stdbool.h>

#include "bits.h"
#include "sluice/abi/block.h"

enum sl_block_share {
	SL_BLOCK_NONE,
	SL_BLOCK_SOME,
	SL_BLOCK_ALL,
};

/* How much of part n is listed. */
static inline enum sl_block_share sl_block_share_of(const struct sl_block_line *node, __u8 n)
{
	__u32 word = n >> 6, bit = n & 63;

	if (node->words[word] >> bit & 1)
		return SL_BLOCK_ALL;
	return node->words[4 + word] >> bit & 1 ? SL_BLOCK_SOME : SL_BLOCK_NONE;
}

/* How many parts before part n are listed in part. Without a branch: see sl_lowest_bit(). */
static inline __u32 sl_block_rank(const struct sl_block_line *node, __u8 n)
{
	__u64 below = (1ull << (n & 63)) - 1;
	__u32 rank = 0;

	for (__u32 word = 0; word < 4; word++) {
		__u64 all = 0ull - (word < n >> 6), last = 0ull - (word == n >> 6);

		rank += sl_count_bits(node->words[4 + word] & (all | (last & below)));
	}
	return rank;
}

/* @param addr host order */
static inline bool sl_block_has4(void *image, __u32 addr)
{
	const struct sl_block_line *line = sl_block_line_at(image, SL_BLOCK_ROOTS4 + (addr >> 24));
	enum sl_block_share share;
	__u32 leaf, word;

	if (!line)
		return false;
	share = sl_block_share_of(line, addr >> 16);
	if (share != SL_BLOCK_SOME)
		return share == SL_BLOCK_ALL;
	line = sl_block_line_at(image, SL_BLOCK_NODES4 + (addr >> 16));
	if (!line)
		return false;
	share = sl_block_share_of(line, addr >> 8);
	if (share != SL_BLOCK_SOME)
		return share == SL_BLOCK_ALL;
	leaf = sl_block_rank(line, addr >> 8);
	line = sl_block_line_at(image, SL_BLOCK_BASES4 + (addr >> 20));
	if (!line)
		return false;
	leaf += ((const __u32 *)line->words)[addr >> 16 & 15];
	line = sl_block_line_at(image, SL_BLOCK_LEAVES4 + leaf / 2);
	word = sl_opaque((leaf & 1) * 4 + (addr >> 6 & 3)); /* Linux 6.1 loses the bound of an OR */
	return line && (line->words[word & 7] >> (addr & 63) & 1);
}

/* The first `length` bits of an address. */
static inline struct sl_block_addr6 sl_block_prefix6(const struct sl_block_addr6 *addr,
						     __u32 length)
{
	struct sl_block_addr6 prefix = {0, 0};

	if (length >= 64) {
		prefix.high = addr->high;
		prefix.low = length == 64 ? 0 : addr->low & ~0ull << ((128 - length) & 63);
	} else if (length) {
		prefix.high = addr->high & ~0ull << (64 - length);
	}
	return prefix;
}

/* The line of probe `i`, or NULL: there is no such table. */
static inline const struct sl_block_line *sl_block_table_line(void *image, __u32 region, __u32 hash,
							      __u32 i)
{
	const struct sl_block_line *line =
	    sl_block_line_at(image, SL_BLOCK_REGIONS + (region >> 3));
	const struct sl_block_region *table;

	if (!line)
		return 0;
	table = (const struct sl_block_region *)line->words + (region & 7);
	return table->first ? sl_block_line_at(image, table->first + ((hash + i) & table->mask))
			    : 0;
}

/* Is the prefix of this length listed? */
static inline bool sl_block_probe6(void *image, const struct sl_block_addr6 *addr, __u32 length)
{
	struct sl_block_addr6 prefix = sl_block_prefix6(addr, length);
	__u32 hash = sl_block_hash(prefix.high, prefix.low);

	for (__u32 i = 0; i < SL_BLOCK_PROBES; i++) {
		const struct sl_block_bucket *bucket =
		    (const struct sl_block_bucket *)sl_block_table_line(image, length, hash, i);

		if (!bucket)
			return false;
		for (__u32 n = 0; n < SL_BLOCK_KEYS; n++)
			if (n < bucket->used && bucket->keys[n].high == prefix.high &&
			    bucket->keys[n].low == prefix.low)
				return true;
		if (bucket->used < SL_BLOCK_KEYS)
			return false;
	}
	return false;
}

/* A search for the prefixes of an address that are listed. */
struct sl_block_search {
	void *image;
	struct sl_block_addr6 addr;
	__u64 shorter; /* lengths 32..95 that are left to look for */
	__u32 longer;  /* 96..126, and 128 in bit 31 */
	bool found;
};

/* Looks for the shortest length that is left. 1: done. */
static inline long sl_block_next6(__u32 unused, void *context)
{
	struct sl_block_search *search = (struct sl_block_search *)context;
	__u32 bit, length;

	(void)unused;
	if (search->shorter) {
		length = 32 + sl_lowest_bit(search->shorter);
		search->shorter &= search->shorter - 1;
	} else if (search->longer) {
		bit = sl_lowest_bit(search->longer);
		length = bit == 31 ? 128 : 96 + bit;
		search->longer &= search->longer - 1;
	} else {
		return 1;
	}
	search->found =
	    length == SL_BLOCK_INDEX || sl_block_probe6(search->image, &search->addr, length);
	return search->found;
}

/* Fills in which lengths there are under the address's /32. False: none. */
static inline bool sl_block_lengths6(struct sl_block_search *search)
{
	__u32 top = search->addr.high >> 32, hash = sl_block_hash(search->addr.high >> 32, 0);

	for (__u32 i = 0; i < SL_BLOCK_PROBES; i++) {
		const struct sl_block_index *entry =
		    (const struct sl_block_index *)sl_block_table_line(search->image,
								       SL_BLOCK_INDEX, hash, i);

		if (!entry)
			return false;
		for (__u32 n = 0; n < 4; n++, entry++) {
			search->shorter = entry->lengths[0] | (__u64)entry->lengths[1] << 32;
			search->longer = entry->lengths[2];
			if (!(search->shorter | search->longer))
				return false;
			if (entry->top == top)
				return true;
		}
	}
	return false;
}

static inline bool sl_block_has6(void *image, struct sl_block_addr6 addr)
{
	const struct sl_block_line *line =
	    sl_block_line_at(image, SL_BLOCK_ROOTS6 + (__u32)(addr.high >> 56));
	struct sl_block_search search = {image, addr, 0, 0, false};
	enum sl_block_share share;

	if (!line)
		return false;
	share = sl_block_share_of(line, addr.high >> 48);
	if (share != SL_BLOCK_SOME)
		return share == SL_BLOCK_ALL;
	if (!sl_block_lengths6(&search))
		return false;
	bpf_loop(SL_BLOCK_LENGTHS - SL_BLOCK_INDEX, sl_block_next6, &search, 0);
	return search.found;
}

#endif
