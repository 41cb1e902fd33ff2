/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The flow tables, of IPv4 and IPv6: hash tables of our own, for a packet of a known flow is to
 * cost one cache miss. BPF's own costs three: bucket, key, value.
 *
 * A table is two arrays. sl_flows4 (sl_flows6) has the entries, each in a slot, SL_FLOW_SLOTS slots
 * to a group; sl_flow_groups4 (6) has a byte for each slot, the tag, with 7 bits of the hash of the
 * key that is there. A key may be in any slot of two groups, which its hash tells. It is put into
 * its home, a slot of the first group, if that is free: there it is found without the tags. The
 * second group is looked at only if the first one says that keys had to go further.
 *
 * A slot is taken by an atomic exchange of its tag, by the datapath alone; what it holds counts
 * from when the last word of its key is written, with SL_FLOW_LIVE, to when that word becomes 0.
 * Two CPUs that enter the same key at the same time do so by turns: sl_flow_turns, a number for all
 * keys with the same bits of the hash, is odd while one of them writes that word and the tag. It
 * does so only if the number has not changed since it saw that the key is not there.
 */
#ifndef SLUICE_ABI_FLOW_TABLE_H
#define SLUICE_ABI_FLOW_TABLE_H

#include "sluice/abi/flow.h"

#define SL_FLOW_SLOTS	  31u
#define SL_FLOW_TAG_WORDS ((SL_FLOW_SLOTS + 1) / 4)
#define SL_FLOW_TAKEN	  0x01u /* tag of a slot that is being filled or emptied; 0: it is free */
#define SL_FLOW_TAG	  0x80u /* of all other tags */
#define SL_FLOW_NOWHERE	  0xffffffffu /* no slot */
#define SL_FLOW_TURNS	  4096u

/* Behind the slots' tags. Not 0: since `up` some key had to go on to its second group. */
#define SL_FLOW_FURTHER SL_FLOW_SLOTS

union sl_flow_group {
	__u8 tags[SL_FLOW_SLOTS + 1];	/* the last one: SL_FLOW_FURTHER */
	__u32 words[SL_FLOW_TAG_WORDS]; /* by which tags change */
};

/* Slots, whose keys are not 0 in `live`: SL_FLOW_LIVE. */
struct sl_flow4 {
	struct sl_flow flow;
	struct sl_key4 key;
};
SL_STATIC_ASSERT(sizeof(struct sl_flow4) == 64, "sl_flow4 is a cache line");

struct sl_flow6 {
	struct sl_flow flow;
	struct sl_key6 key;
	struct sl_birth birth; /* IPv4: sl_births4, of the same index */
};
SL_STATIC_ASSERT(sizeof(struct sl_flow6) == 96, "sl_flow6 is in two cache lines");

/* A key as words, of which the last one has the byte `live`. */
typedef __u64 __attribute__((may_alias)) sl_key_word;
#define SL_KEY4_WORDS (sizeof(struct sl_key4) / sizeof(sl_key_word))
#define SL_KEY6_WORDS (sizeof(struct sl_key6) / sizeof(sl_key_word))
#define SL_FLOW_LIVE  (1ull << 56)

/* Where in the last word, little endian, `domain` and `proto` are; the ports are the low 32 bits. */
#define SL_KEY_DOMAIN_SHIFT 32
#define SL_KEY_PROTO_SHIFT  48

/*
 * Groups for so many entries. Filled to four fifths, a table has room for the next one: with two
 * groups of 31 to choose from, none of 6 million that came and went found both full.
 */
static inline __u32 sl_flow_groups(__u32 entries)
{
	return (__u32)(((__u64)entries + entries / 4) / SL_FLOW_SLOTS) + 1;
}

static inline __u64 sl_flow_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull; /* 2^64 / the golden ratio */
	return hash ^ hash >> 32;
}

/* Not to be foreseen by who does not know the seed: no VM fills the groups of another's flows. */
static inline __u64 sl_flow_hash(const sl_key_word *words, __u32 count, __u64 seed)
{
	__u64 hash = seed;

	for (__u32 i = 0; i < count; i++)
		hash = sl_flow_mix(hash, words[i]);
	return sl_flow_mix(hash, seed);
}

static inline __u32 sl_flow_turn(__u64 hash)
{
	return hash >> 19 & (SL_FLOW_TURNS - 1);
}

static inline __u32 sl_flow_tag(__u64 hash)
{
	return SL_FLOW_TAG | (hash & 0x7f);
}

/* Which slot of its first group is a key's home. */
static inline __u32 sl_flow_home(__u64 hash)
{
	return (hash >> 7 & 0xfff) * SL_FLOW_SLOTS >> 12;
}

/* Of `groups` the one where a key may be: the first, or the second. They may be the same. */
static inline __u32 sl_flow_group_of(__u64 hash, __u32 groups)
{
	return (hash >> 32) * groups >> 32;
}

static inline __u64 sl_flow_second(__u64 hash)
{
	return hash * 0xd6e8feb86659fd93ull;
}

#endif
