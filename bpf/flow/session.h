/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session is the pair of flow entries of a conversation. Either hook makes them; flow/end.h ends
 * them.
 */
#ifndef SLUICE_BPF_FLOW_SESSION_H
#define SLUICE_BPF_FLOW_SESSION_H

#include "lib/flow_enter.h"
#include "lib/flow_log.h"
#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "flow/admit.h"
#include "nat/binding.h"
#include "flow/end.h"
#include "flow/flow.h"
#include "maps/work.h"

/* Plans what the answers leave as: the packet's own tuple, turned round. */
static __always_inline void sl_reverse_flow(const struct sl_packet *pkt, const struct sl_flow *flow,
					    __u16 out_port, struct sl_flow *reverse)
{
	reverse->last_seen = flow->last_seen;
	reverse->flags = flow->flags & (SL_FLOW_SNAT | SL_FLOW_DNAT);
	reverse->in_port = out_port;
	reverse->rules = flow->rules;
	if (pkt->family == AF_INET) {
		reverse->saddr = pkt->k4.daddr;
		reverse->daddr = pkt->k4.saddr;
		reverse->sport = pkt->k4.dport;
		reverse->dport = pkt->k4.sport;
		reverse->out_domain = pkt->k4.domain;
	} else {
		reverse->sport = pkt->k6.dport;
		reverse->dport = pkt->k6.sport;
		reverse->out_domain = pkt->k6.domain;
	}
}

static __always_inline bool sl_flow_same(const struct sl_flow *a, const struct sl_flow *b)
{
	return a->saddr == b->saddr && a->daddr == b->daddr && a->sport == b->sport &&
	       a->dport == b->dport && a->out_domain == b->out_domain;
}

/*
 * Looks who has taken the answering tuple.
 * SL_FORWARD: the same session, which another CPU made just now; this packet goes the same way,
 * without an entry of its own. SL_DROP: another session.
 */
static __always_inline enum sl_verdict sl_session_rival(struct sl_packet *pkt,
							const union sl_key *reverse_key,
							const struct sl_flow *reverse)
{
	const struct sl_flow *other = sl_flow_get(pkt->family, reverse_key);

	if (other && sl_flow_same(other, reverse))
		return SL_FORWARD;
	pkt->reason = SL_DROP_COLLISION;
	return SL_DROP;
}

/*
 * Enters the session that work->opened plans into the table. The answering direction comes first,
 * so that two CPUs can't both own one external tuple. Slots of both are taken and filled before,
 * since to let one count is to wait until it is in the cache; and all that ends with the session is
 * counted before, since another CPU may end it as soon as it is seen.
 * SL_FORWARD: it is there. SL_DROP: pkt->reason says why not, and nothing is left behind.
 */
static __noinline enum sl_verdict sl_session_insert(struct sl_work *work, __u16 out_port)
{
	const struct sl_flow *flow = &work->opened;
	enum sl_verdict verdict = SL_DROP;
	struct sl_packet *pkt = &work->pkt;
	__u64 hash, reverse_hash;
	__u32 slot, reverse_slot;
	struct sl_birth *birth;
	enum sl_drop why;

	__builtin_memset(&work->other, 0, sizeof(work->other));
	__builtin_memset(&work->reverse, 0, sizeof(work->reverse));
	sl_reverse_key(pkt->family, &pkt->key, flow, &work->other);
	sl_reverse_flow(pkt, flow, out_port, &work->reverse);
	work->reverse.account = work->account;
	pkt->reason = SL_DROP_FLOWS_FULL;
	why = sl_session_admit(pkt->family, sl_packet_kind(pkt), work->account, work->instead);
	if (unlikely(why)) {
		pkt->reason = why;
		goto unbind;
	}
	hash = sl_flow_hash_of(pkt->family, &pkt->key);
	reverse_hash = sl_flow_hash_of(pkt->family, &work->other);
	slot = sl_flow_take(pkt->family, hash);
	reverse_slot = sl_flow_take(pkt->family, reverse_hash);
	if (!sl_flow_fill(pkt->family, reverse_slot, &work->other, &work->reverse) ||
	    !sl_flow_fill(pkt->family, slot, &pkt->key, flow))
		goto give_back;
	birth = sl_birth_at(pkt->family, slot);
	if (birth)
		*birth = work->birth;
	if (!sl_flow_enter(pkt->family, reverse_slot, &work->other, reverse_hash, 0)) {
		verdict = sl_session_rival(pkt, &work->other, &work->reverse);
		goto give_back;
	}
	if (!sl_flow_enter(pkt->family, slot, &pkt->key, hash, pkt->turn)) {
		pkt->reason = SL_DROP_COLLISION;
		goto remove_reverse;
	}
	if (sl_flow_log_watched())
		sl_flow_log_write(SL_FLOW_BEGAN, pkt->family, &pkt->key, flow, &work->reverse,
				  &work->birth);
	return SL_FORWARD;

remove_reverse:
	if (sl_flow_claim(pkt->family, reverse_slot))
		sl_flow_lay_out(pkt->family, reverse_slot);
	reverse_slot = SL_FLOW_NOWHERE;
give_back:
	sl_flow_give_back(pkt->family, slot, hash);
	sl_flow_give_back(pkt->family, reverse_slot, reverse_hash);
	sl_session_uncount(pkt->family, sl_packet_kind(pkt), work->account);
unbind:
	sl_session_unbind(&pkt->key, flow);
	return verdict;
}

/*
 * Looks at a SYN that belongs to a session. If both ends have finished their connection it opens a
 * new one in the same entry, and what they were seen to send is forgotten. Else it changes nothing,
 * since it may be forged, as may the reset before it.
 * SL_DROP: the SYN comes from the side that the policy was not asked about. Its first SYN, which
 * crosses the opener's, is all that it may send of the kind: a new connection has to be a session
 * of its own. The sweeper makes room for that if this one is finished, and the SYN comes again.
 */
static __always_inline enum sl_verdict sl_session_reopen(struct sl_packet *pkt,
							 struct sl_flow *flow)
{
	union sl_key reverse_key = {};
	struct sl_flow *reverse;

	sl_reverse_key(pkt->family, &pkt->key, flow, &reverse_key);
	reverse = sl_flow_get(pkt->family, &reverse_key);
	if (!reverse)
		return SL_CONTINUE;
	if (!(flow->flags & SL_FLOW_ORIG) && sl_policy_in_force() &&
	    (flow->tcp_seen & ~SL_TCP_SYN)) {
		if (sl_tcp_is_finished(flow, reverse))
			sl_session_end(pkt->family, sl_flow_search_all(pkt->family, &reverse_key));
		return sl_refuse(pkt, SL_DROP_COLLISION);
	}
	if (!sl_tcp_is_finished(flow, reverse))
		return SL_CONTINUE;
	flow->tcp_seen = 0;
	reverse->tcp_seen = 0;
	if (flow->flags & SL_FLOW_ORIG)
		sl_handshake_begin(pkt);
	return SL_CONTINUE;
}

#endif
