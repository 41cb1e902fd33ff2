/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * These are the look-ups in the image of the block list (sluice/abi/block.h). They build for the
 * host as well, where their tests are.
 */
#ifndef SLUICE_BPF_LIB_BLOCK_IMAGE_H
#define SLUICE_BPF_LIB_BLOCK_IMAGE_H

#include <stdbool.h>

#include "bits.h"
#include "sluice/abi/block.h"

#ifdef __bpf__
#include <bpf/bpf_helpers.h>

#define sl_block_loop(most, step, search) bpf_loop(most, step, search, 0)

/* Finds a part of the image, NULL beyond the last one; the next does so for lines. */
static __always_inline const struct sl_block_part *sl_block_part_at(void *image, __u32 index)
{
	return bpf_map_lookup_elem(image, &index);
}

static __always_inline const struct sl_block_line *sl_block_line_at(void *lines, __u32 index)
{
	return bpf_map_lookup_elem(lines, &index);
}
#else
/* What stands for a map on the host. */
struct sl_block_array {
	const void *first;
	__u32 count;
};

static inline const struct sl_block_part *sl_block_part_at(void *image, __u32 index)
{
	const struct sl_block_array *it = (const struct sl_block_array *)image;

	return index < it->count ? (const struct sl_block_part *)it->first + index : 0;
}

static inline const struct sl_block_line *sl_block_line_at(void *lines, __u32 index)
{
	const struct sl_block_array *it = (const struct sl_block_array *)lines;

	return index < it->count ? (const struct sl_block_line *)it->first + index : 0;
}

#define sl_block_loop(most, step, search)                                                          \
	for (__u32 sl_i = 0; sl_i < (most) && !step(sl_i, search); sl_i++)                         \
		;
#endif

#define SL_BLOCK_LANES	  0x0001000100010001ull /* 1 in each 16 bits */
#define SL_BLOCK_LANE_TOP 0x8000800080008000ull

static __always_inline const struct sl_block_tables *sl_block_tables_of(void *image)
{
	return (const struct sl_block_tables *)sl_block_part_at(image, SL_BLOCK_TABLES);
}

static __always_inline enum sl_block_share sl_block_share16(const __u64 *shares, __u16 n)
{
	return (enum sl_block_share)(shares[n >> 5] >> (n & 31) * 2 & 3);
}

/* Tells how much of part n is listed. */
static __always_inline enum sl_block_share sl_block_share24(const struct sl_block_line *node,
							    __u8 n)
{
	__u32 word = n >> 6, bit = n & 63;

	if (node->words[word] >> bit & 1)
		return SL_BLOCK_ALL;
	return node->words[4 + word] >> bit & 1 ? SL_BLOCK_SOME : SL_BLOCK_NONE;
}

/* Counts the parts before part n that have a leaf. It has no branch: see sl_count_bits(). */
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

/* Is the address among the hosts? All tags of its bucket are compared at once. */
static __always_inline bool sl_block_has_host(void *image, __u32 addr)
{
	__u32 host = sl_block_host(addr), bucket = host >> SL_BLOCK_TAG_BITS;
	const struct sl_block_part *part =
	    sl_block_part_at(image, SL_BLOCK_HOSTS4 + (bucket >> 14));
	__u64 tags = ((host & ((1u << SL_BLOCK_TAG_BITS) - 1)) + 1) * SL_BLOCK_LANES, zeros = 0;
	const __u64 *words;

	if (!part)
		return false;
	words = (const __u64 *)part + (bucket & 0x3fff) * 4;
	for (__u32 i = 0; i < 4; i++) {
		__u64 differ = words[i] ^ tags;

		/* The top bit of the lowest 16 that are zero is set; of those above it may be. */
		zeros |= (differ - SL_BLOCK_LANES) & ~differ;
	}
	return zeros & SL_BLOCK_LANE_TOP;
}

static __always_inline const struct sl_block_line *sl_block_node(void *image, __u32 addr)
{
	const struct sl_block_part *part = sl_block_part_at(image, SL_BLOCK_NODES4 + (addr >> 29));

	return part ? part->lines + (addr >> 16 & 0x1fff) : 0;
}

/*
 * Tells how much of an address is listed. SL_BLOCK_SOME: its leaf is to be asked.
 * @param addr host order
 */
static __always_inline enum sl_block_share
sl_block_share4(void *image, const struct sl_block_tables *tables, __u32 addr)
{
	enum sl_block_share share = sl_block_share16(tables->shares4, addr >> 16);
	const struct sl_block_line *node;

	if (share == SL_BLOCK_NONE || share == SL_BLOCK_ALL)
		return share;
	if (sl_block_has_host(image, addr))
		return SL_BLOCK_ALL;
	if (share == SL_BLOCK_HOSTS)
		return SL_BLOCK_NONE;
	node = sl_block_node(image, addr);
	return node ? sl_block_share24(node, addr >> 8) : SL_BLOCK_NONE;
}

/* Is the address, whose /24 has a leaf, in it? */
static inline bool sl_block_in_leaf(void *image, void *lines, const struct sl_block_tables *tables,
				    __u32 addr)
{
	const struct sl_block_line *node = sl_block_node(image, addr), *line;
	__u32 leaf, word;

	if (!node)
		return false;
	leaf = tables->bases4[addr >> 16] + sl_block_rank(node, addr >> 8);
	line = sl_block_line_at(lines, leaf / 2);
	word = sl_opaque((leaf & 1) * 4 + (addr >> 6 & 3)); /* Linux 6.1 loses the bound of an OR */
	return line && (line->words[word & 7] >> (addr & 63) & 1);
}

static inline bool sl_block_has4(void *image, void *lines, const struct sl_block_tables *tables,
				 __u32 addr)
{
	enum sl_block_share share = sl_block_share4(image, tables, addr);

	if (share != SL_BLOCK_SOME)
		return share == SL_BLOCK_ALL;
	return lines && sl_block_in_leaf(image, lines, tables, addr);
}

/* Cuts an address to its first `length` bits. */
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

/* What a search in the tables of IPv6 needs of the image. */
struct sl_block_where {
	const struct sl_block_tables *tables;
	void *lines;
};

/* Finds the line of probe `i`, or NULL: there is no such table. */
static inline const struct sl_block_line *sl_block_table_line(const struct sl_block_where *where,
							      __u32 region, __u32 hash, __u32 i)
{
	const struct sl_block_region *table;

	if (region >= SL_BLOCK_LENGTHS)
		return 0;
	table = where->tables->regions + region;
	if (!table->lines)
		return 0;
	return sl_block_line_at(where->lines, table->first + ((hash + i) & (table->lines - 1)));
}

/* Is the prefix of this length listed? */
static inline bool sl_block_probe6(const struct sl_block_where *where,
				   const struct sl_block_addr6 *addr, __u32 length)
{
	struct sl_block_addr6 prefix = sl_block_prefix6(addr, length);
	__u32 hash = sl_block_hash(prefix.high, prefix.low);

	for (__u32 i = 0; i < SL_BLOCK_PROBES; i++) {
		const struct sl_block_bucket *bucket =
		    (const struct sl_block_bucket *)sl_block_table_line(where, length, hash, i);

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
	struct sl_block_where where;
	struct sl_block_addr6 addr;
	__u64 shorter; /* lengths 32..95 that are left to look for */
	__u32 longer;  /* 96..126, and 128 in bit 31 */
	bool found;
};

/* Looks for the shortest length that is left. 1: the search is over. */
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
	    length == SL_BLOCK_INDEX || sl_block_probe6(&search->where, &search->addr, length);
	return search->found;
}

/* Fills in which lengths there are under the address's /32. False: there are none. */
static inline bool sl_block_lengths6(struct sl_block_search *search)
{
	__u32 top = search->addr.high >> 32, hash = sl_block_hash(search->addr.high >> 32, 0);

	for (__u32 i = 0; i < SL_BLOCK_PROBES; i++) {
		const struct sl_block_index *entry =
		    (const struct sl_block_index *)sl_block_table_line(&search->where,
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

static inline bool sl_block_has6(void *lines, const struct sl_block_tables *tables,
				 struct sl_block_addr6 addr)
{
	struct sl_block_search search = {{tables, lines}, addr, 0, 0, false};
	enum sl_block_share share = sl_block_share16(tables->shares6, addr.high >> 48);

	if (share != SL_BLOCK_SOME)
		return share == SL_BLOCK_ALL;
	if (!lines || !sl_block_lengths6(&search))
		return false;
	sl_block_loop(SL_BLOCK_LENGTHS - SL_BLOCK_INDEX, sl_block_next6, &search);
	return search.found;
}

#endif
