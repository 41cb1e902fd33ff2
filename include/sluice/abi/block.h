/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The block list: sources and destinations whose frames are dropped first of all.
 *
 * Map sl_block (array of maps, one slot) holds an image of all that has no expiry, built whole by
 * the loader and put there by one update: a frame is judged by the old image or by the new one. The
 * image is an array of cache lines, so that a look-up is a few loads. Empty slot: nothing is
 * listed.
 */
#ifndef SLUICE_ABI_BLOCK_H
#define SLUICE_ABI_BLOCK_H

#include "sluice/abi/types.h"

struct sl_block_line {
	__u64 words[8];
};
SL_STATIC_ASSERT(sizeof(struct sl_block_line) == 64, "sl_block_line is a cache line");

/*
 * A node tells of 256 parts of a network, part n by bit n % 64 of a word: words[n / 64] has those
 * of which all addresses are listed, words[4 + n / 64] those of which some are.
 *
 * IPv4: the node of a /8 tells of its /16s, the node of a /16 of its /24s. A /24 of which some are
 * listed has a leaf, a bit for each address (word n / 64, bit n % 64), two in a line: number base +
 * how many /24s of that /16 before it have one. The bases are __u32, 16 in a line.
 *
 * IPv6: the node of a /8 tells of its /16s; the rest is in hash tables (struct sl_block_region).
 */
#define SL_BLOCK_ROOTS4	 0u
#define SL_BLOCK_ROOTS6	 (SL_BLOCK_ROOTS4 + 256u)
#define SL_BLOCK_REGIONS (SL_BLOCK_ROOTS6 + 256u)
#define SL_BLOCK_NODES4	 (SL_BLOCK_REGIONS + 17u)
#define SL_BLOCK_BASES4	 (SL_BLOCK_NODES4 + 65536u)
#define SL_BLOCK_LEAVES4 (SL_BLOCK_BASES4 + 4096u)

/*
 * One hash table in the image: `mask` + 1 lines from line `first` on; first 0 = there is none.
 * Eight in a line from SL_BLOCK_REGIONS on. Number 32 is the index of /32s, number N > 32 holds the
 * prefixes of length N. A key is in one of the SL_BLOCK_PROBES lines from its hash on, in none
 * behind a line with room.
 */
struct sl_block_region {
	__u32 first;
	__u32 mask;
};
#define SL_BLOCK_INDEX	 32u
#define SL_BLOCK_LENGTHS 129u
#define SL_BLOCK_PROBES	 4u

/*
 * A /32 of which something is listed, four in a line of the index; unused ones have no bit. Bit n
 * of the 96 says that prefixes of length 32 + n are there (n = 0: all of it is listed), but bit 95
 * says so of length 128; a /127 is stored as two /128.
 */
struct sl_block_index {
	__u32 top; /* the first 32 bits, host order */
	__u32 lengths[3];
};
SL_STATIC_ASSERT(sizeof(struct sl_block_index) == 16, "four to a line");

/* A line of another table: the first `used` keys count. */
#define SL_BLOCK_KEYS 3u
struct sl_block_addr6 {
	__u64 high, low; /* host order, zero beyond the prefix */
};
struct sl_block_bucket {
	__u64 used;
	struct sl_block_addr6 keys[SL_BLOCK_KEYS];
	__u64 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_block_bucket) == 64, "sl_block_bucket is a line");

/* Where a key's probes begin, before the mask. Of a /32 in the index: its number, and 0. */
static inline __u32 sl_block_hash(__u64 high, __u64 low)
{
	__u64 hash = (high ^ (low * 0xff51afd7ed558ccdull)) * 0x9e3779b97f4a7c15ull;

	return (__u32)((hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull >> 32);
}

/*
 * What has an expiry: map sl_block_until (hash), written by the loader and by the datapath, which
 * ends it. Addresses alone (length 128) are always looked for, other lengths if sl_block_state says
 * that they are there.
 */
#define SL_BLOCK_UNTIL_MAX 65536u

struct sl_block_key {
	union sl_addr addr; /* zero beyond the prefix */
	__u32 length;	    /* in the mapped form: 96 + that of an IPv4 prefix */
};
SL_STATIC_ASSERT(sizeof(struct sl_block_key) == 20, "sl_block_key is 20 bytes");

struct sl_block_until {
	__u64 until; /* CLOCK_MONOTONIC, ns */
	__u64 given; /* 1: by the loader, for the database; 0: the datapath found it */
};

/* Map sl_block_state (array of one, mapped by the loader). A cache line, hardly ever written. */
struct sl_block_state {
	__u32 listed;	  /* 1: sl_block has an image */
	__u32 until;	  /* entries of sl_block_until: never fewer than there are */
	__u64 lengths[2]; /* bit n % 64 of word n / 64: prefixes of length n < 128 have an expiry */
	__u64 digest;	  /* of what the image was built from; 0 = being replaced */
	__u64 zeros[4];
};
SL_STATIC_ASSERT(sizeof(struct sl_block_state) == 64, "sl_block_state is a cache line");

#endif
