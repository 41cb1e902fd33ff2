/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block list: sources and destinations whose frames are dropped first of all.
 *
 * All that has no expiry is in an image, built whole by the loader. What nearly every frame needs
 * of it has a fixed size: map sl_block (array of maps, one slot) holds SL_BLOCK_PARTS parts, whose
 * look-ups the kernel inlines. The rest is lines of cache in one of the two slots of
 * sl_block_lines; sl_block_tables names the slot. The loader fills the slot not in use, then
 * replaces what is in sl_block: a frame is judged by the old image or by the new one. Empty slot:
 * nothing is listed.
 */
#ifndef SLUICE_ABI_BLOCK_H
#define SLUICE_ABI_BLOCK_H

#include "sluice/abi/types.h"

struct sl_block_line {
	__u64 words[8];
};
SL_STATIC_ASSERT(sizeof(struct sl_block_line) == 64, "sl_block_line is a cache line");

/* A part is small enough for the array maps of any kernel. */
struct sl_block_part {
	struct sl_block_line lines[8192];
};
#define SL_BLOCK_HOSTS4 0u  /* eight parts: struct sl_block_hosts, by hash */
#define SL_BLOCK_NODES4 8u  /* eight: nodes of the /16s of IPv4 */
#define SL_BLOCK_TABLES 16u /* struct sl_block_tables */
#define SL_BLOCK_PARTS	17u

/* This says how much of a network is listed. */
enum sl_block_share {
	SL_BLOCK_NONE = 0,
	SL_BLOCK_HOSTS = 1, /* of a /16 of IPv4: nothing but what is among the hosts */
	SL_BLOCK_ALL = 2,
	SL_BLOCK_SOME = 3,
};

/*
 * Addresses of IPv4 listed by themselves, in whichever /16 they are, sixteen to half a cache line:
 * a frame from one of a million touches one line that is not in the cache. sl_block_host() turns an
 * address around into 32 bits: a bucket's number and a tag, which is stored plus 1; 0 = free. What
 * finds its bucket full gets a leaf, and so does a /24 of which many are listed.
 */
struct sl_block_hosts {
	__u16 tags[16];
};
#define SL_BLOCK_BUCKETS  131072u
#define SL_BLOCK_TAG_BITS 15

SL_INLINE __u32 sl_block_host(__u32 addr)
{
	return (addr ^ addr >> 16) * 0x85ebca6bu; /* both steps can be taken back */
}

/*
 * IPv4: the node of a /16 tells of its 256 /24s, /24 n by bit n % 64 of a word: words[n / 64] has
 * those of which all addresses are listed, words[4 + n / 64] those which have a leaf: a bit for
 * each address (word n / 64, bit n % 64), two in a line. A leaf's number is the base of its /16 +
 * how many /24s of that /16 before it have one.
 *
 * IPv6: what is longer than a /16 is in hash tables (struct sl_block_region). Both leaves and
 * tables are in sl_block_lines, leaves first.
 */

/*
 * A hash table is a power of two of lines from line `first` on, or none. Number 32 is the index of
 * /32s, number N > 32 holds the prefixes of length N. A key is in one of the SL_BLOCK_PROBES lines
 * from its hash on, in none behind a line with room.
 */
struct sl_block_region {
	__u32 first;
	__u32 lines;
};
#define SL_BLOCK_INDEX	 32u
#define SL_BLOCK_LENGTHS 129u
#define SL_BLOCK_PROBES	 4u

struct sl_block_tables {
	__u64 shares4[2048]; /* enum sl_block_share of each /16, two bits, 32 a word */
	__u64 shares6[2048];
	__u32 bases4[65536];
	struct sl_block_region regions[SL_BLOCK_LENGTHS];
	__u32 slot; /* of sl_block_lines */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_block_tables) <= sizeof(struct sl_block_part), "in one part");

/*
 * An entry is a /32 of which something is listed, four in a line of the index; unused ones have no
 * bit. Bit n of the 96 says that prefixes of length 32 + n are there (n = 0: all of it is listed),
 * but bit 95 says so of length 128; a /127 is stored as two /128.
 */
struct sl_block_index {
	__u32 top; /* the first 32 bits, host order */
	__u32 lengths[3];
};
SL_STATIC_ASSERT(sizeof(struct sl_block_index) == 16, "four to a line");

/* In a line of another table the first `used` keys count. */
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

/* Tells where a key's probes begin, before the mask. A /32 in the index has its number, and 0. */
SL_INLINE __u32 sl_block_hash(__u64 high, __u64 low)
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
	__u32 given; /* 1: by the loader, for the database; 0: the datapath found it */
	__u32 by;    /* not given: the detector, enum sl_detector */
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
