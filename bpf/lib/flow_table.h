/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow tables: look-up, insertion, removal (sluice/abi/flow_table.h). */
#ifndef SLUICE_BPF_FLOW_TABLE_H
#define SLUICE_BPF_FLOW_TABLE_H

#include "lib/packet.h"
#include "lib/settings.h"

#define SL_ENOSPC 28
#define SL_EEXIST 17

static __always_inline union sl_flow_group *sl_flow_group(__u8 family, __u32 index)
{
	if (family == AF_INET)
		return bpf_map_lookup_elem(&sl_flow_groups4, &index);
	return bpf_map_lookup_elem(&sl_flow_groups6, &index);
}

static __always_inline __u32 sl_flow_group_count(__u8 family, const struct sl_settings *settings)
{
	return family == AF_INET ? settings->flow_groups4 : settings->flow_groups6;
}

static __always_inline __u64 sl_flow_key_hash(__u8 family, const union sl_key *key, __u64 seed)
{
	const sl_key_word *words = (const sl_key_word *)key;

	return sl_flow_hash(words, family == AF_INET ? SL_KEY4_WORDS : SL_KEY6_WORDS, seed);
}

/* The flow in this slot, NULL of SL_FLOW_NOWHERE. */
static __always_inline struct sl_flow *sl_flow_at(__u8 family, __u32 slot)
{
	struct sl_flow4 *flow4;
	struct sl_flow6 *flow6;

	if (family == AF_INET) {
		flow4 = bpf_map_lookup_elem(&sl_flows4, &slot);
		return flow4 ? &flow4->flow : NULL;
	}
	flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	return flow6 ? &flow6->flow : NULL;
}

static __always_inline struct sl_birth *sl_birth_at(__u8 family, __u32 slot)
{
	struct sl_flow6 *flow6;

	if (family == AF_INET)
		return bpf_map_lookup_elem(&sl_births4, &slot);
	flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	if (!flow6)
		return NULL;
	barrier_var(flow6); /* what may be NULL must not be added to */
	return &flow6->birth;
}

/* Is this live key of a slot that of a packet? */
static __always_inline bool sl_key4_is(const struct sl_key4 *live, const struct sl_key4 *key)
{
	const sl_key_word *a = (const sl_key_word *)live, *b = (const sl_key_word *)key;

	return READ_ONCE(a[1]) == (b[1] | SL_FLOW_LIVE) && a[0] == b[0];
}

static __always_inline bool sl_key6_is(const struct sl_key6 *live, const struct sl_key6 *key)
{
	const sl_key_word *a = (const sl_key_word *)live, *b = (const sl_key_word *)key;

	return READ_ONCE(a[4]) == (b[4] | SL_FLOW_LIVE) && a[0] == b[0] && a[1] == b[1] &&
	       a[2] == b[2] && a[3] == b[3];
}

static __always_inline bool sl_flow_slot_has(__u8 family, __u32 slot, const union sl_key *key)
{
	struct sl_flow4 *flow4;
	struct sl_flow6 *flow6;

	if (family == AF_INET) {
		flow4 = bpf_map_lookup_elem(&sl_flows4, &slot);
		return flow4 && sl_key4_is(&flow4->key, &key->v4);
	}
	flow6 = bpf_map_lookup_elem(&sl_flows6, &slot);
	return flow6 && sl_key6_is(&flow6->key, &key->v6);
}

static __always_inline __u32 sl_flow_search_group(__u8 family, __u32 index, const union sl_key *key,
						  __u8 tag, bool *further)
{
	const union sl_flow_group *group = sl_flow_group(family, index);
	__u32 first = index * SL_FLOW_SLOTS;

	*further = group && READ_ONCE(group->tags[SL_FLOW_FURTHER]);
	if (!group)
		return SL_FLOW_NOWHERE;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_FLOW_SLOTS; i++)
		if (READ_ONCE(group->tags[i]) == tag && sl_flow_slot_has(family, first + i, key))
			return first + i;
	return SL_FLOW_NOWHERE;
}

static __always_inline __u32 sl_flow_search_family(__u8 family, const union sl_key *key, __u64 hash,
						   const struct sl_settings *settings)
{
	__u32 groups = sl_flow_group_count(family, settings), tag = sl_flow_tag(hash), slot;
	bool further = true;

#pragma clang loop unroll(disable)
	for (int turn = 0; turn < 2 && further; turn++) {
		slot = sl_flow_search_group(family, sl_flow_group_of(hash, groups), key, tag,
					    &further);
		if (slot != SL_FLOW_NOWHERE)
			return slot;
		hash = sl_flow_second(hash);
	}
	return SL_FLOW_NOWHERE;
}

/* The slot of this key with this hash; SL_FLOW_NOWHERE. Global: the verifier looks once. */
__noinline __u32 sl_flow_search(__u32 family, const union sl_key *key, __u64 hash)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings || !key)
		return SL_FLOW_NOWHERE;
	if (family == AF_INET)
		return sl_flow_search_family(AF_INET, key, hash, settings);
	return sl_flow_search_family(AF_INET6, key, hash, settings);
}

/* The same, its hash not being known. Global: the verifier looks once. */
__noinline __u32 sl_flow_slot(__u32 family, const union sl_key *key)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings || !key)
		return SL_FLOW_NOWHERE;
	if (family == AF_INET)
		return sl_flow_search(AF_INET, key,
				      sl_flow_key_hash(AF_INET, key, settings->flow_seed));
	return sl_flow_search(AF_INET6, key, sl_flow_key_hash(AF_INET6, key, settings->flow_seed));
}

static __always_inline struct sl_flow *sl_flow_get(__u8 family, const union sl_key *key)
{
	return sl_flow_at(family, sl_flow_slot(family, key));
}

/* The slot of the packet's key at home, if it is there. */
static __always_inline struct sl_flow *sl_flow_find4(struct sl_packet *pkt,
						     const struct sl_settings *settings)
{
	__u64 hash = sl_flow_key_hash(AF_INET, &pkt->key, settings->flow_seed);
	__u32 slot =
	    sl_flow_group_of(hash, settings->flow_groups4) * SL_FLOW_SLOTS + sl_flow_home(hash);
	struct sl_flow4 *entry = bpf_map_lookup_elem(&sl_flows4, &slot);

	pkt->slot = slot;
	if (entry && likely(sl_key4_is(&entry->key, &pkt->k4)))
		return &entry->flow;
	pkt->slot = sl_flow_search(AF_INET, &pkt->key, hash);
	return sl_flow_at(AF_INET, pkt->slot);
}

static __always_inline struct sl_flow *sl_flow_find6(struct sl_packet *pkt,
						     const struct sl_settings *settings)
{
	__u64 hash = sl_flow_key_hash(AF_INET6, &pkt->key, settings->flow_seed);
	__u32 slot =
	    sl_flow_group_of(hash, settings->flow_groups6) * SL_FLOW_SLOTS + sl_flow_home(hash);
	struct sl_flow6 *entry = bpf_map_lookup_elem(&sl_flows6, &slot);

	pkt->slot = slot;
	if (entry && likely(sl_key6_is(&entry->key, &pkt->k6)))
		return &entry->flow;
	pkt->slot = sl_flow_search(AF_INET6, &pkt->key, hash);
	return sl_flow_at(AF_INET6, pkt->slot);
}

/* The flow that the packet belongs to, and its slot in pkt->slot. NULL: none. */
static __always_inline struct sl_flow *sl_flow_find(struct sl_packet *pkt)
{
	const struct sl_settings *settings = sl_settings_now();

	if (!settings)
		return NULL;
	return pkt->family == AF_INET ? sl_flow_find4(pkt, settings) : sl_flow_find6(pkt, settings);
}

#endif
