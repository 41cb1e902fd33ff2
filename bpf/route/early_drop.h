/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where there is no room for another session, one gives way that nobody has answered for: it was
 * opened from outside and never completed, or is only counted. What an inside host opened, and what
 * was answered, never does (RFC 6888 REQ-11). It is the same where the answers' tuple is taken.
 */
#ifndef SLUICE_BPF_ROUTE_EARLY_DROP_H
#define SLUICE_BPF_ROUTE_EARLY_DROP_H

#include "lib/port.h"
#include "lib/rules.h"
#include "flow/admit.h"
#include "route/decide.h"
#include "flow/end.h"

#define SL_DROP_TRIES 64 /* groups that are looked into, drawn at random */

/* Have both ends agreed to the connection, or have there been datagrams both ways? */
static __always_inline bool sl_is_assured(__u8 proto, const struct sl_flow *flow,
					  const struct sl_flow *reverse)
{
	if (proto == IPPROTO_TCP)
		return flow->tcp_seen & reverse->tcp_seen & SL_TCP_ACK;
	return reverse->packets;
}

/*
 * Does the session give way? What is only counted does not where a policy is in force: there its
 * answers are known by it. What outsiders ask of the host is as cheap to ask again, but for
 * connections.
 */
static __always_inline bool sl_gives_way(__u8 family, const union sl_key *key,
					 const struct sl_flow *flow, const struct sl_flow *reverse)
{
	__u8 proto = sl_key_proto(family, key);
	const struct sl_port *in = sl_port_of_id(flow->in_port);
	bool outside = in && in->role == SL_ROLE_UPLINK;
	bool assured = sl_is_assured(proto, flow, reverse);

	if (sl_key_kind(family, key) != SL_KIND_COUNTED)
		return outside && !assured;
	return !assured || !sl_policy_in_force() || (outside && proto != IPPROTO_TCP);
}

/* Finds the slot of the entry that opened the session of the one in this slot. */
static __always_inline __u32 sl_opener_slot(__u8 family, __u32 slot, struct sl_work *it)
{
	const struct sl_flow *flow = sl_flow_at(family, slot);

	if (!flow || (flow->flags & SL_FLOW_ORIG) || !sl_flow_key_at(family, slot, &it->ended))
		return slot;
	sl_reverse_key(family, &it->ended, flow, &it->ended_back);
	return sl_flow_search(family, &it->ended_back, sl_flow_hash_of(family, &it->ended_back));
}

static __always_inline bool sl_drop_early_family(__u8 family, __u32 slot, __u32 account,
						 struct sl_work *it)
{
	const struct sl_flow *flow = sl_flow_at(family, slot), *reverse;
	const sl_word *mark = sl_flow_mark(family, slot);

	if (!flow || !mark || !(READ_ONCE(*mark) & SL_FLOW_LIVE) || !(flow->flags & SL_FLOW_ORIG) ||
	    !sl_flow_key_at(family, slot, &it->ended))
		return false;
	sl_reverse_key(family, &it->ended, flow, &it->ended_back);
	reverse = sl_flow_get(family, &it->ended_back);
	if (!reverse || (account != SL_ACCOUNT_ANY && reverse->account != account))
		return false;
	return sl_gives_way(family, &it->ended, flow, reverse) && sl_session_end(family, slot);
}

/* Ends the session in this slot if it gives way. Global: the verifier looks once. */
__noinline int sl_drop_early_at(__u32 family, __u32 slot, __u32 account)
{
	__u32 zero = 0;
	struct sl_work *it = bpf_map_lookup_elem(&sl_work, &zero);

	if (!it)
		return false;
	slot = family == AF_INET ? sl_opener_slot(AF_INET, slot, it)
				 : sl_opener_slot(AF_INET6, slot, it);
	return family == AF_INET ? sl_drop_early_family(AF_INET, slot, account, it)
				 : sl_drop_early_family(AF_INET6, slot, account, it);
}

/* Draws a group at random. Each level has its share, since the first ones are full first. */
static __always_inline __u32 sl_draw_group(__u32 groups, __u32 number)
{
	__u32 levels = sl_flow_small_levels(groups);
	__u32 level = (number >> 28) % (levels + 1), begin = sl_flow_level_begin(level);
	__u32 count = level < levels ? sl_flow_level_groups(level) : groups - begin;

	return begin + (number >> 4) % (count ?: 1);
}

/*
 * Finds a slot of the group that has an entry, from word `turn` of its tags on; SL_FLOW_SLOTS:
 * there is none.
 */
static __always_inline __u32 sl_draw_slot(const union sl_flow_group *group, __u32 turn)
{
	for (__u32 i = 0; i < SL_FLOW_TAG_WORDS; i++) {
		__u32 word = (turn + i) & (SL_FLOW_TAG_WORDS - 1);
		__u64 tagged = READ_ONCE(group->words[word]) & (SL_FLOW_TAG * SL_LANES);

		if (tagged)
			return word * SL_FLOW_LANES + sl_lowest_bit(tagged) / 16;
	}
	return SL_FLOW_SLOTS;
}

/*
 * Ends one session that gives way, one of this account if it is not SL_ACCOUNT_ANY. False: none of
 * those looked at does. Global: the verifier looks once.
 */
__noinline int sl_drop_early(__u32 family, __u32 account)
{
	const struct sl_settings *settings = sl_settings_now();
	const union sl_flow_group *group;
	__u32 index, slot, number;

	if (!settings)
		return false;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_DROP_TRIES; i++) {
		number = bpf_get_prandom_u32();
		index = sl_draw_group(sl_flow_group_count(family, settings), number);
		group = sl_flow_group(family, index);
		slot = group ? sl_draw_slot(group, number) : SL_FLOW_SLOTS;
		if (slot == SL_FLOW_SLOTS ||
		    !sl_drop_early_at(family, index * SL_FLOW_SLOTS + slot, account))
			continue;
		sl_recheck_sessions();
		return true;
	}
	return false;
}

static __always_inline bool sl_drop_rival_family(__u8 family, __u32 slot, struct sl_work *it)
{
	const struct sl_flow *flow, *reverse;

	slot = sl_opener_slot(family, slot, it);
	flow = sl_flow_at(family, slot);
	if (!flow || !sl_flow_key_at(family, slot, &it->ended))
		return false;
	sl_reverse_key(family, &it->ended, flow, &it->ended_back);
	reverse = sl_flow_get(family, &it->ended_back);
	if (reverse && sl_is_assured(sl_key_proto(family, &it->ended), flow, reverse) &&
	    (family != AF_INET ||
	     sl_translation_stands(sl_port_of_id(flow->in_port), sl_port_of_id(reverse->in_port),
				   &it->ended, flow)))
		return false;
	return sl_session_end(family, slot);
}

/*
 * Ends the session for whose packets the answers of the planned one would be taken. It gives way if
 * nobody has answered for it, or if it is not what the rules in force bring about: what happened to
 * be sent does not keep these from what they say. Global: the verifier looks once.
 */
__noinline int sl_drop_rival(void)
{
	__u32 slot, zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;

	if (!work)
		return false;
	pkt = &work->pkt;
	if (sl_packet_kind(pkt) != SL_KIND_ROUTED)
		return false;
	__builtin_memset(&work->other, 0, sizeof(work->other));
	sl_reverse_key(pkt->family, &pkt->key, &work->opened, &work->other);
	slot = sl_flow_search_all(pkt->family, &work->other);
	if (slot == SL_FLOW_NOWHERE)
		return false;
	return pkt->family == AF_INET ? sl_drop_rival_family(AF_INET, slot, work)
				      : sl_drop_rival_family(AF_INET6, slot, work);
}

/*
 * Makes room for the session that did not begin for want of it, as work->pkt.reason says. For an
 * account that has too much itself, one of its own gives way. False: none does.
 */
static __always_inline bool sl_make_room(struct sl_work *work)
{
	bool over = work->pkt.reason == SL_DROP_HOST_QUOTA;

	if (likely(!sl_wants_room(work->pkt.reason)))
		return false;
	if (work->pkt.reason == SL_DROP_COLLISION)
		return sl_drop_rival();
	if (!sl_drop_early(work->pkt.family, over ? work->account : SL_ACCOUNT_ANY))
		return false;
	work->instead = over;
	return true;
}

#endif
