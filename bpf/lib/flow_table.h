/* SPDX-License-Identifier: GPL-2.0-or-later */
/* These are the look-ups in the flow tables (sluice/abi/flow_table.h). */
#ifndef SLUICE_BPF_LIB_FLOW_TABLE_H
#define SLUICE_BPF_LIB_FLOW_TABLE_H

#include "lib/bits.h"
#include "lib/packet.h"
#include "lib/settings.h"

/*
 * The compiler would make one of two look-ups, in either map, which the kernel then does not
 * inline.
 */
#define SL_APART __attribute__((nomerge))

static __always_inline union sl_flow_group *sl_flow_group(__u8 family, __u32 index)
{
	if (family == AF_INET)
		SL_APART return bpf_map_lookup_elem(&sl_flow_groups4, &index);
	SL_APART return bpf_map_lookup_elem(&sl_flow_groups6, &index);
}

static __always_inline __u32 sl_flow_group_count(__u8 family, const struct sl_settings *settings)
{
	return family == AF_INET ? settings->flow_groups4 : settings->flow_groups6;
}

static __always_inline __u64 sl_flow_key_hash(__u8 family, const union sl_key *key,
					      const struct sl_settings *settings)
{
	const sl_word *words = (const sl_word *)key;

	return sl_hash(words, sl_key_words(family), &settings->flow_seed);
}

/* Finds the flow in this slot; NULL for SL_FLOW_NOWHERE. */
static __always_inline struct sl_flow *sl_flow_at(__u8 family, __u32 slot)
{
	struct sl_flow4 *flow4;
	struct sl_flow6 *flow6;

	if (family == AF_INET) {
		SL_APART flow4 = bpf_map_lookup_elem(&sl_flows4, &slot);
		return flow4 ? &flow4->flow : NULL;
	}
	SL_APART flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	return flow6 ? &flow6->flow : NULL;
}

static __always_inline struct sl_birth *sl_birth_at(__u8 family, __u32 slot)
{
	struct sl_flow6 *flow6;

	if (family == AF_INET)
		SL_APART return bpf_map_lookup_elem(&sl_births4, &slot);
	SL_APART flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	if (!flow6)
		return NULL;
	barrier_var(flow6); /* what may be NULL must not be added to */
	return &flow6->birth;
}

/* Is the session's source or destination translated? The answers' entry says the same. */
static __always_inline bool sl_is_translated(const struct sl_flow *flow)
{
	return flow->flags & (SL_FLOW_SNAT | SL_FLOW_DNAT);
}

/*
 * Finds the word that has sl_flow.flags, for atomic changes of single flags: CPUs change different
 * ones at the same time.
 */
static __always_inline __u32 *sl_flow_flags(struct sl_flow *flow)
{
	return (__u32 *)&flow->nh_checked;
}

static __always_inline __u32 sl_flow_flag(enum sl_flow_flag flag)
{
	return (__u32)flag << 16;
}
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_flow, nh_checked) % 4 == 0 &&
		     __builtin_offsetof(struct sl_flow, flags) ==
			 __builtin_offsetof(struct sl_flow, nh_checked) + 2,
		 "the flags are the third byte of a word");

/* Is this live key of a slot that of a packet? */
static __always_inline bool sl_key4_is(const struct sl_key4 *live, const struct sl_key4 *key)
{
	const sl_word *a = (const sl_word *)live, *b = (const sl_word *)key;

	return READ_ONCE(a[1]) == (b[1] | SL_FLOW_LIVE) && a[0] == b[0];
}

static __always_inline bool sl_key6_is(const struct sl_key6 *live, const struct sl_key6 *key)
{
	const sl_word *a = (const sl_word *)live, *b = (const sl_word *)key;

	return READ_ONCE(a[4]) == (b[4] | SL_FLOW_LIVE) && a[0] == b[0] && a[1] == b[1] &&
	       a[2] == b[2] && a[3] == b[3];
}

/* Is the flow with this key in the slot? */
static __always_inline bool sl_flow_slot_has(__u32 family, __u32 slot, const union sl_key *key)
{
	struct sl_flow4 *flow4;
	struct sl_flow6 *flow6;

	if (!key)
		return false;
	if (family == AF_INET) {
		flow4 = bpf_map_lookup_elem(&sl_flows4, &slot);
		return flow4 && sl_key4_is(&flow4->key, &key->v4);
	}
	flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	return flow6 && sl_key6_is(&flow6->key, &key->v6);
}

/* Tells which slots of a group have this tag, which is in all lanes of `tags`: a bit each. */
static __always_inline __u32 sl_flow_tagged(const union sl_flow_group *group, __u64 tags)
{
	__u32 slots = 0;

#pragma unroll
	for (__u32 i = 0; i < SL_FLOW_TAG_WORDS; i++)
		slots |= sl_lanes_zero(READ_ONCE(group->words[i]) ^ tags) << i * SL_FLOW_LANES;
	return slots;
}

/* Has any slot of a group this tag? It takes half of what the former takes. */
static __always_inline bool sl_flow_any_tagged(const union sl_flow_group *group, __u64 tags)
{
	__u64 any = 0;

#pragma unroll
	for (__u32 i = 0; i < SL_FLOW_TAG_WORDS; i++)
		any |= sl_lanes_any_zero(READ_ONCE(group->words[i]) ^ tags);
	return any;
}

/* Counts the keys in the last level that have the group before it in common with this one. */
static __always_inline __u32 *sl_flow_passed_of(__u8 family, __u64 hash, __u32 groups)
{
	__u32 index = sl_flow_pass(hash, groups) + (family == AF_INET ? 0 : SL_FLOW_PASSES);

	return bpf_map_lookup_elem(&sl_flow_passed, &index);
}

/* May this key, which the levels before do not have, be in the last one? */
static __always_inline bool sl_flow_may_be_last(__u8 family, __u64 hash, __u32 groups)
{
	__u32 *passed;

	if (!sl_flow_small_levels(groups))
		return true;
	passed = sl_flow_passed_of(family, hash, groups);
	return passed && READ_ONCE(*passed);
}

#define SL_FLOW_ELSEWHERE (SL_FLOW_NOWHERE - 1)

/*
 * Looks where a key is in nearly all cases: in the levels before the last one, at the first slot of
 * its group with its tag; in the last one, at its home. Global: the verifier looks once.
 * Returns its slot; SL_FLOW_NOWHERE: the table does not have it; SL_FLOW_ELSEWHERE: it may be at
 * another place.
 */
__noinline __u32 sl_flow_search_likely(__u32 family, const union sl_key *key, __u64 hash)
{
	const struct sl_settings *settings = sl_settings_now();
	__u64 tags = sl_flow_tag(hash) * SL_LANES;
	const union sl_flow_group *group;
	__u32 groups, levels, index, slot;

	if (!settings || !key)
		return SL_FLOW_NOWHERE;
	groups = sl_flow_group_count(family, settings);
	levels = sl_flow_small_levels(groups);
#pragma unroll
	for (__u32 level = 0; level < SL_FLOW_LEVELS_MOST; level++) {
		if (level == levels)
			break;
		index = sl_flow_place(hash, groups, level);
		group = sl_flow_group(family, index);
		if (!group || likely(!sl_flow_any_tagged(group, tags)))
			continue;
		slot = index * SL_FLOW_SLOTS + sl_lowest_bit(sl_flow_tagged(group, tags));
		return sl_flow_slot_has(family, slot, key) ? slot : SL_FLOW_ELSEWHERE;
	}
	if (!sl_flow_may_be_last(family, hash, groups))
		return SL_FLOW_NOWHERE;
	slot = sl_flow_place(hash, groups, levels) * SL_FLOW_SLOTS + sl_flow_home(hash);
	return sl_flow_slot_has(family, slot, key) ? slot : SL_FLOW_ELSEWHERE;
}

/* Finds the slot of this key in this group, or SL_FLOW_NOWHERE. Global: the verifier looks once. */
__noinline __u32 sl_flow_search_group(__u32 family, __u32 index, const union sl_key *key,
				      __u64 hash)
{
	const union sl_flow_group *group = sl_flow_group(family, index);
	__u32 slots = group ? sl_flow_tagged(group, sl_flow_tag(hash) * SL_LANES) : 0, slot;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_FLOW_SLOTS && slots; i++, slots &= slots - 1) {
		slot = index * SL_FLOW_SLOTS + sl_lowest_bit(slots);
		if (sl_flow_slot_has(family, slot, key))
			return slot;
	}
	return SL_FLOW_NOWHERE;
}

/* Hashes this key. Global: the verifier looks once. */
__noinline __u64 sl_flow_hash_of(__u32 family, const union sl_key *key)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings || !key)
		return 0;
	return family == AF_INET ? sl_flow_key_hash(AF_INET, key, settings)
				 : sl_flow_key_hash(AF_INET6, key, settings);
}

/*
 * Looks everywhere for the slot of this key; SL_FLOW_NOWHERE: it has none. Global: the verifier
 * looks once.
 */
__noinline __u32 sl_flow_search_all(__u32 family, const union sl_key *key)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 groups, slot;
	__u64 hash;

	if (!settings || !key)
		return SL_FLOW_NOWHERE;
	groups = sl_flow_group_count(family, settings);
	hash = sl_flow_hash_of(family, key);
#pragma clang loop unroll(disable)
	for (__u32 place = 0; place < SL_FLOW_PLACES_MOST; place++) {
		if (place == sl_flow_places(groups))
			break;
		slot = sl_flow_search_group(family, sl_flow_place(hash, groups, place), key, hash);
		if (slot != SL_FLOW_NOWHERE)
			return slot;
	}
	return SL_FLOW_NOWHERE;
}

/* Finds the slot of this key, which has this hash, or SL_FLOW_NOWHERE. */
static __always_inline __u32 sl_flow_search(__u8 family, const union sl_key *key, __u64 hash)
{
	__u32 slot = sl_flow_search_likely(family, key, hash);

	return likely(slot != SL_FLOW_ELSEWHERE) ? slot : sl_flow_search_all(family, key);
}

static __always_inline struct sl_flow *sl_flow_get(__u8 family, const union sl_key *key)
{
	return sl_flow_at(family, sl_flow_search(family, key, sl_flow_hash_of(family, key)));
}

/* Looks first at home in the first level: there nearly every flow is if there are few. */
static __always_inline struct sl_flow *sl_flow_find4(const struct sl_settings *settings,
						     struct sl_packet *pkt, __u64 hash)
{
	__u32 index = sl_flow_place(hash, settings->flow_groups4, 0), home = sl_flow_home(hash);
	const union sl_flow_group *group = sl_flow_group(AF_INET, index);
	__u32 slot = index * SL_FLOW_SLOTS + home;
	struct sl_flow4 *entry;

	if (!group || READ_ONCE(group->tags[home]) != sl_flow_tag(hash))
		return NULL;
	pkt->slot = slot;
	entry = bpf_map_lookup_elem(&sl_flows4, &slot);
	return entry && likely(sl_key4_is(&entry->key, &pkt->k4)) ? &entry->flow : NULL;
}

static __always_inline struct sl_flow *sl_flow_find6(const struct sl_settings *settings,
						     struct sl_packet *pkt, __u64 hash)
{
	__u32 index = sl_flow_place(hash, settings->flow_groups6, 0), home = sl_flow_home(hash);
	const union sl_flow_group *group = sl_flow_group(AF_INET6, index);
	__u32 slot = index * SL_FLOW_SLOTS + home;
	struct sl_flow6 *entry;

	if (!group || READ_ONCE(group->tags[home]) != sl_flow_tag(hash))
		return NULL;
	pkt->slot = slot;
	entry = bpf_map_lookup_elem(&sl_flows6, &slot);
	return entry && likely(sl_key6_is(&entry->key, &pkt->k6)) ? &entry->flow : NULL;
}

static __always_inline __u32 *sl_flow_turn_of(__u64 hash)
{
	__u32 index = sl_flow_turn(hash);

	return bpf_map_lookup_elem(&sl_flow_turns, &index);
}

/*
 * Finds the flow that the packet belongs to, and leaves its slot in pkt->slot. NULL: there is none.
 */
static __always_inline struct sl_flow *sl_flow_find_with(const struct sl_settings *settings,
							 struct sl_packet *pkt)
{
	const __u32 *turn;
	struct sl_flow *flow;
	__u64 hash;
	__u32 now;

	if (pkt->family == AF_INET) {
		hash = sl_flow_key_hash(AF_INET, &pkt->key, settings);
		flow = sl_flow_find4(settings, pkt, hash);
	} else {
		hash = sl_flow_key_hash(AF_INET6, &pkt->key, settings);
		flow = sl_flow_find6(settings, pkt, hash);
	}
	if (likely(flow))
		return flow;
	turn = sl_flow_turn_of(hash);
	now = turn ? READ_ONCE(*turn) : 0;
	pkt->turn = now & 1 ? 0 : now; /* odd: somebody is at it */
	pkt->slot = sl_flow_search(pkt->family, &pkt->key, hash);
	return sl_flow_at(pkt->family, pkt->slot);
}

static __always_inline struct sl_flow *sl_flow_find(struct sl_packet *pkt)
{
	const struct sl_settings *settings = sl_settings_now();

	return settings ? sl_flow_find_with(settings, pkt) : NULL;
}

#endif
