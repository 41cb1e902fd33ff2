/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This makes the entries of the flow tables and takes them away: sluice/abi/flow_table.h. */
#ifndef SLUICE_BPF_LIB_FLOW_ENTER_H
#define SLUICE_BPF_LIB_FLOW_ENTER_H

#include "lib/bits.h"
#include "lib/flow_table.h"

#define SL_TURN_TRIES 8
#define SL_TURN_SPINS 1024
#define SL_TAKE_TRIES 3 /* in one group, while other CPUs change tags beside */

/* Finds a free slot of the group, `home` if that is free; SL_FLOW_SLOTS: there is none. */
static __always_inline __u32 sl_flow_free_slot(const union sl_flow_group *group, __u32 home)
{
	__u32 free;

	if (!READ_ONCE(group->tags[home]))
		return home;
	free = sl_flow_tagged(group, 0);
	return free ? sl_lowest_bit(free) : SL_FLOW_SLOTS;
}

/* Marks a free slot of the group as taken. False: another CPU changed a tag beside it. */
static __always_inline bool sl_flow_mark_taken(union sl_flow_group *group, __u32 slot)
{
	__u64 *word = &group->words[slot / SL_FLOW_LANES & (SL_FLOW_TAG_WORDS - 1)];
	__u32 shift = slot % SL_FLOW_LANES * 16;
	__u64 tags = READ_ONCE(*word);

	return !(tags >> shift & 0xffff) &&
	       __sync_val_compare_and_swap(word, tags, tags | (__u64)SL_FLOW_TAKEN << shift) ==
		   tags;
}

/* Takes a free slot of a group: its slot `home` if it can be. SL_FLOW_NOWHERE: there is none. */
static __always_inline __u32 sl_flow_take_in(union sl_flow_group *group, __u32 index, __u32 home)
{
	__u32 slot;

#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_TAKE_TRIES; i++) {
		slot = sl_flow_free_slot(group, home);
		if (slot == SL_FLOW_SLOTS)
			break;
		if (sl_flow_mark_taken(group, slot))
			return index * SL_FLOW_SLOTS + slot;
	}
	return SL_FLOW_NOWHERE;
}

/* Changes the tag of a slot that is ours, whatever others do with its neighbours. */
static __always_inline void sl_flow_set_tag(__u8 family, __u32 slot, __u32 to)
{
	union sl_flow_group *group = sl_flow_group(family, slot / SL_FLOW_SLOTS);
	__u32 shift = slot % SL_FLOW_LANES * 16;
	__u64 *word;

	if (!group)
		return;
	word = &group->words[slot / SL_FLOW_LANES & (SL_FLOW_TAG_WORDS - 1)];
	__sync_fetch_and_xor(word, ((READ_ONCE(*word) >> shift & 0xffff) ^ to) << shift);
}

static __always_inline __u32 sl_flow_take_at(__u8 family, __u32 index, __u32 home)
{
	union sl_flow_group *group = sl_flow_group(family, index);

	return group ? sl_flow_take_in(group, index, home) : SL_FLOW_NOWHERE;
}

/* Counts one key more or, with -1, one less in the last level, if its slot is there. */
static __always_inline void sl_flow_passes(__u8 family, __u32 groups, __u32 slot, __u64 hash,
					   __u32 change)
{
	__u32 levels = sl_flow_small_levels(groups), *passed;

	if (!levels || slot / SL_FLOW_SLOTS < sl_flow_level_begin(levels))
		return;
	passed = sl_flow_passed_of(family, hash, groups);
	if (passed)
		__sync_fetch_and_add(passed, change);
}

/*
 * Frees a slot that was taken for a key with this hash, or had one; none for SL_FLOW_NOWHERE.
 * Global: the verifier looks once.
 */
__noinline int sl_flow_give_back(__u32 family, __u32 slot, __u64 hash)
{
	const struct sl_settings *settings = sl_settings_now();

	if (slot == SL_FLOW_NOWHERE)
		return 0;
	sl_flow_set_tag(family, slot, 0);
	if (settings)
		sl_flow_passes(family, sl_flow_group_count(family, settings), slot, hash, -1);
	return 0;
}

#define SL_FLOW_ROOM 4 /* free slots of its first group with which a key goes to no other */

/* Is of these two groups the first one nearly full, and the second one less so? */
static __always_inline bool sl_flow_emptier(__u8 family, __u32 index, __u32 other)
{
	const union sl_flow_group *a = sl_flow_group(family, index);
	const union sl_flow_group *b = sl_flow_group(family, other);
	__u32 room;

	if (!a || !b)
		return false;
	room = sl_count_bits(sl_flow_tagged(a, 0));
	return room < SL_FLOW_ROOM && sl_count_bits(sl_flow_tagged(b, 0)) > room;
}

/*
 * Takes a slot for a key with this hash: in the first level that has room, or else in one of the
 * first two groups of the last one, or else in the third. SL_FLOW_NOWHERE: all are full.
 * Global: the verifier looks once.
 */
__noinline __u32 sl_flow_take(__u32 family, __u64 hash)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 groups, levels, index, other, slot = SL_FLOW_NOWHERE;

	if (!settings)
		return SL_FLOW_NOWHERE;
	groups = sl_flow_group_count(family, settings);
	levels = sl_flow_small_levels(groups);
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < SL_FLOW_PLACES_MOST && slot == SL_FLOW_NOWHERE; place++) {
		if (place == levels + SL_FLOW_CHOICES)
			break;
		index = sl_flow_place(hash, groups, place);
		if (place == levels) {
			other = sl_flow_place(hash, groups, place + 1);
			if (sl_flow_emptier(family, index, other))
				index = other;
		}
		slot = sl_flow_take_at(family, index, sl_flow_home(hash));
	}
	if (slot != SL_FLOW_NOWHERE)
		sl_flow_passes(family, groups, slot, hash, 1);
	return slot;
}

/* Finds the key of a slot. */
static __always_inline sl_word *sl_flow_words(__u8 family, __u32 slot)
{
	struct sl_flow *flow = sl_flow_at(family, slot);

	if (!flow)
		return NULL;
	barrier_var(flow); /* what may be NULL must not be added to */
	return (sl_word *)(flow + 1);
}
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_flow4, key) == sizeof(struct sl_flow) &&
		     __builtin_offsetof(struct sl_flow6, key) == sizeof(struct sl_flow),
		 "the key is behind the flow");

/* Finds the word of a slot's key that has the marks of life and of death: the last one. */
static __always_inline sl_word *sl_flow_mark(__u8 family, __u32 slot)
{
	sl_word *words = sl_flow_words(family, slot);

	return words ? words + sl_key_words(family) - 1 : NULL;
}

static __always_inline bool sl_flow_fill_family(__u8 family, __u32 slot, const union sl_key *key,
						const struct sl_flow *flow)
{
	__u32 last = sl_key_words(family) - 1;
	const sl_word *from = (const sl_word *)key;
	struct sl_flow *there = sl_flow_at(family, slot);
	sl_word *to = sl_flow_words(family, slot);

	if (!there || !to)
		return false;
	*there = *flow;
#pragma unroll
	for (__u32 i = 0; i < last; i++)
		to[i] = from[i];
	return true;
}

/*
 * Writes all but the key's last word, with which the entry begins to count. False: there is no such
 * slot.
 */
static __always_inline bool sl_flow_fill(__u8 family, __u32 slot, const union sl_key *key,
					 const struct sl_flow *flow)
{
	return family == AF_INET ? sl_flow_fill_family(AF_INET, slot, key, flow)
				 : sl_flow_fill_family(AF_INET6, slot, key, flow);
}

/*
 * Waits for an even number, with which nobody is at it. Whoever is at it has two stores to make,
 * and may be interrupted in between: all tries together last 100 us and more. If its CPU is taken
 * away from it for longer, our packet is dropped and comes again. Global: the verifier looks once.
 */
__noinline __u32 sl_flow_await_turn(__u64 hash)
{
	__u32 *turn = sl_flow_turn_of(hash), now;

	if (!turn)
		return 0;
	now = READ_ONCE(*turn);
#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_TURN_SPINS && (now & 1); i++) {
		bpf_ktime_get_ns(); /* takes some 20 ns */
		now = READ_ONCE(*turn);
	}
	return now & ~1u;
}

static __always_inline void sl_flow_show_family(__u8 family, __u32 slot, const union sl_key *key)
{
	sl_word *mark = sl_flow_mark(family, slot);

	if (mark)
		WRITE_ONCE(*mark, ((const sl_word *)key)[sl_key_words(family) - 1] | SL_FLOW_LIVE);
}

/*
 * Writes the last word and the tag. False: it is no longer the turn `now`, and nothing was written.
 */
static __always_inline bool sl_flow_show(__u8 family, __u32 slot, const union sl_key *key,
					 __u64 hash, __u32 now)
{
	__u32 *turn = sl_flow_turn_of(hash);

	if (!turn || __sync_val_compare_and_swap(turn, now, now + 1) != now)
		return false;
	if (family == AF_INET)
		sl_flow_show_family(AF_INET, slot, key);
	else
		sl_flow_show_family(AF_INET6, slot, key);
	sl_flow_set_tag(family, slot, sl_flow_tag(hash));
	__sync_lock_test_and_set(turn, now + 2);
	return true;
}

/*
 * Lets the slot, which is taken and filled, count. False: another slot has the key, or too many
 * others were at the same turn. Global: the verifier looks once.
 * @param turn the key's, read before it was looked for and not found; 0: it was not looked for
 */
__noinline int sl_flow_enter(__u32 family, __u32 slot, const union sl_key *key, __u64 hash,
			     __u32 turn)
{
	if (!key)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_TURN_TRIES; i++, turn = 0) {
		if (!turn) {
			turn = sl_flow_await_turn(hash);
			if (sl_flow_search(family, key, hash) != SL_FLOW_NOWHERE)
				return false;
		}
		if (sl_flow_show(family, slot, key, hash, turn))
			return true;
	}
	return false;
}

#endif
