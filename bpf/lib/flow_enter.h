/* SPDX-License-Identifier: GPL-2.0-only */
/* Entries of the flow tables are made and taken away: sluice/abi/flow_table.h. */
#ifndef SLUICE_BPF_FLOW_ENTER_H
#define SLUICE_BPF_FLOW_ENTER_H

#include "lib/bits.h"
#include "lib/flow_table.h"

#define SL_TURN_TRIES 8
#define SL_TURN_SPINS 16

/* A new key goes elsewhere once its first group is that full, and the second one less so. */
#define SL_FLOW_GROUP_FULL (SL_FLOW_SLOTS * 7 / 8)

static __always_inline __u32 sl_flow_group_used(const union sl_flow_group *group)
{
	__u32 used = 0;

#pragma unroll
	for (__u32 i = 0; i < SL_FLOW_TAG_WORDS; i++)
		used += READ_ONCE(group->words[i]) >> 7 & 0x01010101;
	return used * 0x01010101 >> 24;
}

/* Changes the tag of a slot of the group, if it is `from`. */
static __always_inline bool sl_flow_retag(union sl_flow_group *group, __u32 slot, __u32 from,
					  __u32 to)
{
	__u32 *word = &group->words[slot / 4 & (SL_FLOW_TAG_WORDS - 1)];
	__u32 shift = (slot & 3) * 8, tags = READ_ONCE(*word);

	return (tags >> shift & 0xff) == from &&
	       __sync_val_compare_and_swap(word, tags, tags ^ (from ^ to) << shift) == tags;
}

/* The same of a slot that is ours, whatever others do with its neighbours. */
static __always_inline void sl_flow_set_tag(__u8 family, __u32 slot, __u32 from, __u32 to)
{
	union sl_flow_group *group = sl_flow_group(family, slot / SL_FLOW_SLOTS);

	slot = sl_opaque(slot % SL_FLOW_SLOTS); /* the verifier loses the bound of a remainder */
	if (group)
		__sync_fetch_and_xor(&group->words[slot / 4 & (SL_FLOW_TAG_WORDS - 1)],
				     (from ^ to) << (slot & 3) * 8);
}

/* Takes a free slot of a group: its slot `home` if it can be. SL_FLOW_NOWHERE: none is. */
static __always_inline __u32 sl_flow_take_in(union sl_flow_group *group, __u32 index, __u32 home)
{
	if (sl_flow_retag(group, home, 0, SL_FLOW_TAKEN))
		return index * SL_FLOW_SLOTS + home;
#pragma clang loop unroll(disable)
	for (__u32 slot = 0; slot < SL_FLOW_SLOTS; slot++)
		if (sl_flow_retag(group, slot, 0, SL_FLOW_TAKEN))
			return index * SL_FLOW_SLOTS + slot;
	return SL_FLOW_NOWHERE;
}

/* In the second group; the first one is told. */
static __always_inline __u32 sl_flow_take_further(__u8 family, __u64 hash, __u32 groups,
						  union sl_flow_group *first, __u32 used)
{
	__u32 index = sl_flow_group_of(sl_flow_second(hash), groups);
	union sl_flow_group *second = sl_flow_group(family, index);

	if (!second || sl_flow_group_used(second) >= used)
		return SL_FLOW_NOWHERE;
	WRITE_ONCE(first->tags[SL_FLOW_FURTHER], 1);
	return sl_flow_take_in(second, index, sl_flow_home(hash));
}

static __always_inline __u32 sl_flow_take_family(__u8 family, __u64 hash,
						 const struct sl_settings *settings)
{
	__u32 groups = sl_flow_group_count(family, settings), used;
	__u32 index = sl_flow_group_of(hash, groups), slot = SL_FLOW_NOWHERE;
	union sl_flow_group *group = sl_flow_group(family, index);

	if (!group)
		return SL_FLOW_NOWHERE;
	used = sl_flow_group_used(group);
	if (used >= SL_FLOW_GROUP_FULL)
		slot = sl_flow_take_further(family, hash, groups, group, used);
	return slot != SL_FLOW_NOWHERE ? slot : sl_flow_take_in(group, index, sl_flow_home(hash));
}

/* Takes a slot for a key with this hash; SL_FLOW_NOWHERE. Global: the verifier looks once. */
__noinline __u32 sl_flow_take(__u32 family, __u64 hash)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings)
		return SL_FLOW_NOWHERE;
	return family == AF_INET ? sl_flow_take_family(AF_INET, hash, settings)
				 : sl_flow_take_family(AF_INET6, hash, settings);
}

/* The key of a slot. */
static __always_inline sl_key_word *sl_flow_words(__u8 family, __u32 slot)
{
	struct sl_flow *flow = sl_flow_at(family, slot);

	if (!flow)
		return NULL;
	barrier_var(flow); /* what may be NULL must not be added to */
	return (sl_key_word *)(flow + 1);
}
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_flow4, key) == sizeof(struct sl_flow) &&
		     __builtin_offsetof(struct sl_flow6, key) == sizeof(struct sl_flow),
		 "the key is behind the flow");

/* Writes all but the key's last word, which the caller does: then it counts. That word, or NULL. */
static __always_inline sl_key_word *sl_flow_fill(__u8 family, __u32 slot, const union sl_key *key,
						 const struct sl_flow *flow)
{
	__u32 last = family == AF_INET ? SL_KEY4_WORDS - 1 : SL_KEY6_WORDS - 1;
	const sl_key_word *from = (const sl_key_word *)key;
	struct sl_flow *there = sl_flow_at(family, slot);
	sl_key_word *to = sl_flow_words(family, slot);

	if (!there || !to)
		return NULL;
	*there = *flow;
#pragma unroll
	for (__u32 i = 0; i < last; i++)
		to[i] = from[i];
	return &to[last];
}

/* The last word of a key that is in the table. */
static __always_inline __u64 sl_flow_live_word(__u8 family, const union sl_key *key)
{
	__u32 last = family == AF_INET ? SL_KEY4_WORDS - 1 : SL_KEY6_WORDS - 1;

	return ((const sl_key_word *)key)[last] | SL_FLOW_LIVE;
}

/*
 * An even number: nobody is at it. Who is has two stores to make; if its CPU is taken away from it
 * just then for longer than we wait, our packet is dropped and comes again.
 */
static __always_inline __u32 sl_flow_await_turn(const __u32 *turn)
{
	__u32 now = READ_ONCE(*turn);

#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_TURN_SPINS && (now & 1); i++)
		now = READ_ONCE(*turn);
	return now & ~1u;
}

static __always_inline long sl_flow_enter_family(__u8 family, const union sl_key *key,
						 const struct sl_flow *flow,
						 const struct sl_settings *settings)
{
	__u64 hash = sl_flow_key_hash(family, key, settings->flow_seed);
	__u32 slot = sl_flow_take(family, hash), index = sl_flow_turn(hash), now;
	__u32 *turn = bpf_map_lookup_elem(&sl_flow_turns, &index);
	sl_key_word *live = sl_flow_fill(family, slot, key, flow);

	if (!turn || !live)
		return -SL_ENOSPC;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_TURN_TRIES; i++) {
		now = sl_flow_await_turn(turn);
		if (sl_flow_search(family, key, hash) != SL_FLOW_NOWHERE)
			break;
		if (__sync_val_compare_and_swap(turn, now, now + 1) != now)
			continue;
		WRITE_ONCE(*live, sl_flow_live_word(family, key));
		sl_flow_set_tag(family, slot, SL_FLOW_TAKEN, sl_flow_tag(hash));
		__sync_lock_test_and_set(turn, now + 2);
		return slot;
	}
	sl_flow_set_tag(family, slot, SL_FLOW_TAKEN, 0);
	return -SL_EEXIST;
}

/*
 * Enters a flow under its key. Its slot, or -SL_EEXIST: another one has the key; -SL_ENOSPC: there
 * is no room. Global: the verifier looks once.
 */
__noinline long sl_flow_enter(__u32 family, const union sl_key *key, const struct sl_flow *flow)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings || !key || !flow)
		return -SL_ENOSPC;
	if (family == AF_INET)
		return sl_flow_enter_family(AF_INET, key, flow, settings);
	return sl_flow_enter_family(AF_INET6, key, flow, settings);
}

static __always_inline void sl_flow_empty(__u8 family, __u32 slot, const union sl_key *key,
					  __u64 seed)
{
	__u32 last = family == AF_INET ? SL_KEY4_WORDS - 1 : SL_KEY6_WORDS - 1;
	__u64 live = sl_flow_live_word(family, key);
	sl_key_word *words = sl_flow_words(family, slot);

	if (words && __sync_val_compare_and_swap(&words[last], live, 0) == live)
		sl_flow_set_tag(family, slot, sl_flow_tag(sl_flow_key_hash(family, key, seed)), 0);
}

/* Empties the slot that has this key, unless somebody else has. Global: the verifier looks once. */
__noinline int sl_flow_remove(__u32 family, __u32 slot, const union sl_key *key)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings || !key)
		return 0;
	if (family == AF_INET)
		sl_flow_empty(AF_INET, slot, key, settings->flow_seed);
	else
		sl_flow_empty(AF_INET6, slot, key, settings->flow_seed);
	return 0;
}

#endif
