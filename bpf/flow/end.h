/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session ends here, and all but its slots is given back at once. Whoever exchanges the mark of
 * life in the entry that opened it for that of death ends it, so it is ended once however many CPUs
 * come here. Its slots stay taken: packets that found it before may still be read by them. The
 * sweeper frees them when none can be.
 */
#ifndef SLUICE_BPF_FLOW_END_H
#define SLUICE_BPF_FLOW_END_H

#include "sluice/abi/session.h"
#include "lib/flow_enter.h"
#include "lib/flow_log.h"
#include "lib/packet.h"
#include "lib/rules.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "lib/account.h"
#include "nat/binding.h"
#include "maps/work.h"

#define SL_DEAD_TICKS 16 /* far longer than any packet is in our hands */

/* Tells the sweeper that there are slots to be visited soon. */
static __always_inline void sl_recheck_sessions(void)
{
	struct sl_rules *rules = sl_rules_now();

	if (rules)
		__sync_fetch_and_add(&rules->recheck, 1);
}

/* Counts one session less: it is no more, or did not come to be. */
static __always_inline void sl_session_uncount(__u8 family, __u8 kind, __u32 account)
{
	__u32 zero = 0;
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);
	struct sl_account *payer = sl_account_at(account);

	if (payer)
		__sync_fetch_and_add(sl_account_sessions(payer, family), -1);
	if (!live)
		return;
	__sync_fetch_and_add(family == AF_INET ? &live->sessions4 : &live->sessions6, -1);
	if (kind == SL_KIND_COUNTED)
		__sync_fetch_and_add(family == AF_INET ? &live->tracked4 : &live->tracked6, -1);
}

/* Makes the key of the packets that answer those of `key` after they left as `flow` says. */
static __always_inline void sl_reverse_key(__u8 family, const union sl_key *key,
					   const struct sl_flow *flow, union sl_key *reverse)
{
	if (family == AF_INET)
		sl_answer_key4(&key->v4, flow, &reverse->v4);
	else
		sl_answer_key6(&key->v6, flow, &reverse->v6);
}

static __always_inline bool sl_flow_claim_family(__u8 family, __u32 slot)
{
	sl_word *mark = sl_flow_mark(family, slot);
	__u64 live;

	if (!mark)
		return false;
	live = READ_ONCE(*mark);
	return (live & SL_FLOW_LIVE) &&
	       __sync_val_compare_and_swap(mark, live, live ^ SL_FLOW_LIVE ^ SL_FLOW_DEAD) == live;
}

/*
 * Exchanges the mark of life for that of death. From then on nobody finds the entry, and what is in
 * its slot is the caller's. False: it was dead already, or there is none.
 */
static __always_inline bool sl_flow_claim(__u8 family, __u32 slot)
{
	return family == AF_INET ? sl_flow_claim_family(AF_INET, slot)
				 : sl_flow_claim_family(AF_INET6, slot);
}

/* Leaves the slot of a claimed entry to the sweeper. */
static __always_inline void sl_flow_lay_out(__u8 family, __u32 slot)
{
	struct sl_flow *flow = sl_flow_at(family, slot);

	if (!flow)
		return;
	WRITE_ONCE(flow->last_seen, sl_tick_now());
	sl_flow_set_tag(family, slot, SL_FLOW_TAKEN);
}

/* Reads the key in a slot, as a packet has it. False: there is no such slot. */
static __always_inline bool sl_flow_key_at(__u8 family, __u32 slot, union sl_key *key)
{
	__u32 count = sl_key_words(family);
	const sl_word *from = sl_flow_words(family, slot);
	sl_word *to = (sl_word *)key;

	if (!from)
		return false;
#pragma unroll
	for (__u32 i = 0; i < count; i++)
		to[i] = from[i];
	to[count - 1] &= ~(SL_FLOW_LIVE | SL_FLOW_DEAD);
	return true;
}

static __always_inline bool sl_session_end_family(__u8 family, __u32 slot, struct sl_work *it)
{
	const struct sl_flow *flow = sl_flow_at(family, slot), *back;
	const struct sl_birth *birth = sl_birth_at(family, slot);
	__u32 reverse;

	if (!flow || !birth || !(flow->flags & SL_FLOW_ORIG) ||
	    !sl_flow_key_at(family, slot, &it->ended) || !sl_flow_claim(family, slot))
		return false;
	sl_reverse_key(family, &it->ended, flow, &it->ended_back);
	reverse = sl_flow_search(family, &it->ended_back, sl_flow_hash_of(family, &it->ended_back));
	back = sl_flow_at(family, reverse);
	sl_flow_claim(family, reverse);
	if (family == AF_INET)
		sl_session_unbind(&it->ended, flow);
	sl_session_uncount(family, sl_key_kind(family, &it->ended),
			   back ? back->account : SL_ACCOUNT_HOST);
	sl_flow_log_write(SL_FLOW_ENDED, family, &it->ended, flow, back, birth);
	sl_flow_lay_out(family, reverse);
	sl_flow_lay_out(family, slot);
	return true;
}

/*
 * Ends the session that the entry in this slot opened. False: another CPU has, or there is none.
 * Global: the verifier looks once.
 */
__noinline int sl_session_end(__u32 family, __u32 slot)
{
	__u32 zero = 0;
	struct sl_work *it = bpf_map_lookup_elem(&sl_work, &zero);

	if (!it)
		return false;
	return family == AF_INET ? sl_session_end_family(AF_INET, slot, it)
				 : sl_session_end_family(AF_INET6, slot, it);
}

#endif
