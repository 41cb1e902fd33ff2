/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow tables, of IPv4 and IPv6: hash tables of our own. What a packet of a known flow costs is
 * to depend on how many flows there are, not on how many there may be, and to be one miss of the
 * caches where there are too many for them. BPF's own tables cost three: bucket, key, value.
 *
 * A table is two arrays. sl_flows4 (sl_flows6) has the entries, each in a slot, SL_FLOW_SLOTS slots
 * to a group; sl_flow_groups4 (6) has for each slot the tag, 15 bits of the hash of the key that is
 * there. Groups are in levels of 1 MB, of 16 MB, and a last one with the rest. A key goes into the
 * first level whose group for it has room. So few flows are close together, in little memory, and
 * of the levels before that of a flow only tags are looked at, which the caches hold. In the last
 * level a key has SL_FLOW_CHOICES groups to choose from; its tags are more than caches hold, so it
 * is looked for first at its home, a slot of the first of these groups, without them. And only if
 * there is a key there that has the same group as it in the level before: sl_flow_passed counts
 * them. So a new flow costs no miss of the caches to see that it is new, unless there are more
 * flows than fit in the levels before.
 *
 * A slot is taken by an atomic exchange of its tag, by the datapath alone; what it holds counts
 * from when the last word of its key is written, with SL_FLOW_LIVE, to when SL_FLOW_DEAD takes the
 * place of that. Whoever exchanges the one for the other in the entry that opened a session ends
 * the session; the slots stay taken until no packet can still be read by them, and the sweeper,
 * which walks through the tables all the time, frees them. Two CPUs that enter the same key at the
 * same time do so by turns: sl_flow_turns, a number for all keys with the same bits of the hash, is
 * odd while one of them writes that word and the tag. It does so only if the number has not changed
 * since it saw that the key is not there.
 */
#ifndef SLUICE_ABI_FLOW_TABLE_H
#define SLUICE_ABI_FLOW_TABLE_H

#include "sluice/abi/flow.h"
#include "sluice/abi/hash.h"

#define SL_FLOW_SLOTS	  16u
#define SL_FLOW_LANES	  4u /* tags in a word */
#define SL_FLOW_TAG_WORDS (SL_FLOW_SLOTS / SL_FLOW_LANES)
#define SL_FLOW_TAKEN	  0x0001u     /* tag of a slot that is being filled or emptied; 0: free */
#define SL_FLOW_TAG	  0x8000u     /* of all other tags */
#define SL_FLOW_NOWHERE	  0xffffffffu /* no slot */
/* Map sl_flow_turns: who may enter a key, by turns. */
#define SL_FLOW_TURNS 4096u

#define SL_FLOW_LEVEL_SHIFT 4	  /* from one level to the next: 16 times as many groups */
#define SL_FLOW_LEVEL_FIRST 1024u /* groups of the first one: 1 MB of entries */
#define SL_FLOW_LEVELS_MOST 2	  /* before the last level */
#define SL_FLOW_CHOICES	    3
/*
 * Map sl_flow_passed: how many keys went on to the last level. Counters of a family: groups of the
 * level before the last one.
 */
#define SL_FLOW_PASSES	    (SL_FLOW_LEVEL_FIRST << (SL_FLOW_LEVELS_MOST - 1) * SL_FLOW_LEVEL_SHIFT)
#define SL_FLOW_PLACES_MOST (SL_FLOW_LEVELS_MOST + SL_FLOW_CHOICES)

/* Maps sl_flow_groups4 and sl_flow_groups6: which keys may be in which slots, by their tags. */
union sl_flow_group {
	__u16 tags[SL_FLOW_SLOTS];
	__u64 words[SL_FLOW_TAG_WORDS]; /* by which tags change; little endian */
};
SL_STATIC_ASSERT(sizeof(union sl_flow_group) == 32, "two groups are a cache line");

/*
 * Maps sl_flows4 and sl_flows6: flows, an entry for each direction of a session. Slots, whose keys
 * have SL_KEY_LIVE or SL_KEY_DEAD in `kind` unless they are free.
 */
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

/* A key has so many words, of which the last one has the byte `kind`. Their hash is sl_hash(). */
#define SL_KEY4_WORDS (sizeof(struct sl_key4) / sizeof(sl_word))
#define SL_KEY6_WORDS (sizeof(struct sl_key6) / sizeof(sl_word))
SL_STATIC_ASSERT(SL_KEY6_WORDS <= SL_SEED_WORDS, "each word has a part of the seed");

/* In the last word, little endian, `domain` and `proto` are here; the ports are the low 32 bits. */
#define SL_KEY_DOMAIN_SHIFT 32
#define SL_KEY_PROTO_SHIFT  48
#define SL_KEY_KIND_SHIFT   56
#define SL_FLOW_LIVE	    ((__u64)SL_KEY_LIVE << SL_KEY_KIND_SHIFT)
#define SL_FLOW_DEAD	    ((__u64)SL_KEY_DEAD << SL_KEY_KIND_SHIFT)

/*
 * Tells how many groups so many entries need. Filled to four fifths, a table has room for the next
 * one: of 3 million keys that came and went in a simulation none found its groups full, but of
 * tables with some thousand entries one in a million.
 */
SL_INLINE __u32 sl_flow_groups(__u32 entries)
{
	return (__u32)(((__u64)entries + entries / 4) / SL_FLOW_SLOTS) + 1;
}

/*
 * Takes 15 bits of the hash for the tag; the others take 4 for home, 12 for the turn, 32 for the
 * group.
 */
SL_INLINE __u32 sl_flow_tag(__u64 hash)
{
	return SL_FLOW_TAG | (hash & 0x7fff);
}

/* Tells the slot of its group that a key takes if it is free. */
SL_INLINE __u32 sl_flow_home(__u64 hash)
{
	return hash >> 15 & (SL_FLOW_SLOTS - 1);
}

SL_INLINE __u32 sl_flow_turn(__u64 hash)
{
	return hash >> 19 & (SL_FLOW_TURNS - 1);
}

/*
 * Tells how many levels of a table with so many groups are before the last one, which has at least
 * as many groups as they: some of their groups are not full when the table is.
 */
SL_INLINE __u32 sl_flow_small_levels(__u32 groups)
{
	return (groups >= 2 * SL_FLOW_LEVEL_FIRST) + (groups >= 34 * SL_FLOW_LEVEL_FIRST);
}

/* Tells how many groups a level before the last one has. */
SL_INLINE __u32 sl_flow_level_groups(__u32 level)
{
	return SL_FLOW_LEVEL_FIRST << level * SL_FLOW_LEVEL_SHIFT;
}

/* Tells the first group of a level. */
SL_INLINE __u32 sl_flow_level_begin(__u32 level)
{
	return (0x11 & ((1u << level * SL_FLOW_LEVEL_SHIFT) - 1)) *
	       SL_FLOW_LEVEL_FIRST; /* 1 + 16 */
}

/*
 * Tells which of its family's counters in sl_flow_passed is a key's. A table with one level has
 * none.
 */
SL_INLINE __u32 sl_flow_pass(__u64 hash, __u32 groups)
{
	return (hash >> 32) & (sl_flow_level_groups(sl_flow_small_levels(groups) - 1) - 1);
}

/* Tells in how many groups of such a table a key may be. */
SL_INLINE __u32 sl_flow_places(__u32 groups)
{
	return sl_flow_small_levels(groups) + SL_FLOW_CHOICES;
}

/*
 * Tells one of these groups: the one of each level, then those of the last. The same may come
 * twice.
 */
SL_INLINE __u32 sl_flow_place(__u64 hash, __u32 groups, __u32 place)
{
	__u32 levels = sl_flow_small_levels(groups), level = place < levels ? place : levels;
	__u32 begin = sl_flow_level_begin(level);

	if (place < levels)
		return begin + ((hash >> 32) & (sl_flow_level_groups(level) - 1));
	hash *= 1 + (place - levels) * 0xd6e8feb86659fd92ull; /* odd */
	return begin + (__u32)((hash >> 32) * (groups - begin) >> 32);
}

#endif
