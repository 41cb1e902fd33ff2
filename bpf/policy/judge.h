/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions are judged when they begin, and anew when other rules are in force, by their entries
 * alone, so that it is all the same which packet comes first then. A session that is forbidden by
 * now keeps its entries until nobody has tried to send for a while: else its answers would begin
 * one of their own.
 */
#ifndef SLUICE_BPF_POLICY_JUDGE_H
#define SLUICE_BPF_POLICY_JUDGE_H

#include "lib/nexthop_ref.h"
#include "lib/parse.h"
#include "maps/maps.h"
#include "flow/flow.h"
#include "policy/policy.h"
#include "flow/session.h"
#include "maps/work.h"

#define SL_ICMP6_ROUTER_SOLICITATION 133 /* to redirect: RFC 4861 section 4 */
#define SL_ICMP6_REDIRECT	     137
#define SL_ICMP6_LISTENER_QUERY	     130 /* to done: RFC 2710 section 3 */
#define SL_ICMP6_LISTENER_DONE	     132
#define SL_ICMP6_LISTENER_REPORT2    143 /* RFC 3810 section 5.2 */

/* Fills in who sends: the MAC at this offset of the frame. */
static __always_inline void sl_judged_sender(struct sl_ctx *ctx, __u32 off,
					     struct sl_policy_query *query)
{
	query->smac = 0;
	ctx_load_bytes(ctx, off, (__u8 *)&query->smac + 2, ETH_ALEN);
	query->smac = bpf_be64_to_cpu(query->smac);
}

/*
 * Tells the type of the message that opened the session, which its ports tell: sluice/abi/flow.h.
 */
static __always_inline __u8 sl_judged_icmp_type(__u8 family, __be16 sport, __be16 dport)
{
	if (sport && sport == dport)
		return bpf_ntohs(sport);
	if (family == AF_INET)
		return dport ? ICMP_ECHOREPLY : ICMP_ECHO;
	return dport ? ICMPV6_ECHO_REPLY : ICMPV6_ECHO_REQUEST;
}

/* Fills in what is to be asked about the session of this entry, the one that opened it. */
static __always_inline void sl_judged_query(struct sl_policy_query *query, __u8 family,
					    const union sl_key *key, const struct sl_flow *flow,
					    __u16 out_port)
{
	__be16 sport, dport = flow->dport;

	query->in_port = flow->in_port;
	query->out_port = out_port;
	if (family == AF_INET) {
		query->saddr = sl_mapped(key->v4.saddr);
		query->daddr = sl_mapped(flow->daddr);
		query->vid = key->v4.domain;
		query->proto = key->v4.proto;
		sport = key->v4.sport;
	} else {
		query->saddr = key->v6.saddr;
		query->daddr = key->v6.daddr;
		query->vid = key->v6.domain;
		query->proto = key->v6.proto;
		sport = key->v6.sport;
	}
	if (query->proto == IPPROTO_ICMP || query->proto == IPPROTO_ICMPV6) {
		query->icmp_type = sl_judged_icmp_type(family, sport, dport);
		sport = dport = 0;
	}
	query->sport = bpf_ntohs(sport);
	query->dport = bpf_ntohs(dport);
}

/*
 * Is no policy asked about it? These are what a link needs to work, which is the guard's charge,
 * and ICMP errors, each of which is looked at by itself.
 */
static __always_inline bool sl_judged_exempt(const struct sl_policy_query *query)
{
	__u8 type = query->icmp_type;

	if (query->proto == IPPROTO_IGMP)
		return true;
	if (query->proto == IPPROTO_ICMP)
		return sl_icmp_is_error(IPPROTO_ICMP, type);
	return query->proto == IPPROTO_ICMPV6 &&
	       (sl_icmp_is_error(IPPROTO_ICMPV6, type) || type == SL_ICMP6_LISTENER_REPORT2 ||
		(type >= SL_ICMP6_LISTENER_QUERY && type <= SL_ICMP6_LISTENER_DONE) ||
		(type >= SL_ICMP6_ROUTER_SOLICITATION && type <= SL_ICMP6_REDIRECT));
}

static __always_inline enum sl_policy_action sl_judged_action(struct sl_policy_query *query)
{
	if (!sl_judged_exempt(query))
		return sl_policy_decide(query);
	query->rule = 0;
	query->hit = 0;
	return SL_POLICY_ALLOW;
}

/*
 * Asks about the session that work->opened plans, which notes who judged. One that is only counted,
 * and whose way out is not known, is asked about again with each packet; but what is sent to a
 * group never gets to know its port. Global: the verifier looks once.
 */
__noinline enum sl_policy_action sl_judge_opened(struct sl_ctx *ctx, __u32 out_port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_policy_query *ask;
	__u8 group = 0;
	enum sl_policy_action action;

	if (!work)
		return SL_POLICY_DENY;
	ask = &work->ask;
	sl_judged_query(ask, work->pkt.family, &work->pkt.key, &work->opened, out_port);
	sl_judged_sender(ctx, ETH_ALEN, ask);
	action = sl_judged_action(ask);
	work->opened.rule = ask->rule;
	if (out_port == SL_POLICY_PORT_UNKNOWN && sl_packet_kind(&work->pkt) == SL_KIND_COUNTED) {
		ctx_load_bytes(ctx, 0, &group, sizeof(group));
		if (!(group & 1))
			work->opened.rules = 0;
	}
	return action;
}

/*
 * Writes down in both entries what was found about a session.
 * @param for_good it holds as long as the generation of the rules does
 */
static __always_inline void sl_judged(const struct sl_policy_query *ask,
				      enum sl_policy_action action, bool for_good, __u16 generation,
				      struct sl_flow *flow, struct sl_flow *reverse)
{
	flow->rule = ask->rule;
	if (action < SL_POLICY_REJECT) {
		__sync_fetch_and_and(sl_flow_flags(flow), ~sl_flow_flag(SL_FLOW_DENIED));
		flow->rules = reverse->rules = for_good ? generation : 0;
		return;
	}
	__sync_fetch_and_or(sl_flow_flags(flow), sl_flow_flag(SL_FLOW_DENIED));
	flow->rules = reverse->rules = 0;
}

/*
 * Writes it down, for the packet that it was found for. Returns the reason against that, if there
 * is one. What is forbidden by now lasts while somebody tries.
 */
static __always_inline enum sl_drop sl_judged_why(struct sl_ctx *ctx, struct sl_work *work,
						  enum sl_policy_action action, bool for_good,
						  __u16 generation, struct sl_flow *opener,
						  struct sl_flow *answer)
{
	sl_judged(&work->ask, action, for_good, generation, opener, answer);
	if (action < SL_POLICY_REJECT)
		return SL_DROP_NONE;
	opener->last_seen = sl_tick_now();
	return sl_policy_settle(ctx, &work->ask, action);
}

static __always_inline __u16 sl_judged_out(const struct sl_flow *flow,
					   const struct sl_flow *reverse)
{
	if (reverse->in_port || (flow->flags & SL_FLOW_TO_HOST))
		return reverse->in_port;
	return SL_POLICY_PORT_UNKNOWN;
}

/*
 * Fills in who opened the session of an answer: to whom that goes, at the last known way out if
 * routed.
 */
static __always_inline void sl_judged_opener(struct sl_ctx *ctx, bool counted,
					     const struct sl_flow *answer,
					     struct sl_policy_query *query)
{
	const struct sl_nexthop *slot;

	if (counted) {
		sl_judged_sender(ctx, 0, query);
		return;
	}
	query->smac = 0;
	slot = sl_nexthop_referred(sl_nexthop_ref_of(answer));
	if (!slot)
		return;
	__builtin_memcpy((__u8 *)&query->smac + 2, slot->dmac, ETH_ALEN);
	query->smac = bpf_be64_to_cpu(query->smac);
}

/* Asks the policy about the session that the packet belongs to. */
static __always_inline enum sl_policy_action sl_judge_pair(struct sl_ctx *ctx, struct sl_work *work,
							   const struct sl_flow *flow,
							   const struct sl_flow *other)
{
	bool is_answer = !(flow->flags & SL_FLOW_ORIG);
	const struct sl_flow *opener = is_answer ? other : flow;
	bool counted = sl_packet_kind(&work->pkt) == SL_KIND_COUNTED;

	if (is_answer)
		sl_judged_opener(ctx, counted, flow, &work->ask);
	else
		sl_judged_sender(ctx, ETH_ALEN, &work->ask);
	sl_judged_query(&work->ask, work->pkt.family, is_answer ? &work->other : &work->pkt.key,
			opener, sl_judged_out(opener, is_answer ? flow : other));
	return sl_judged_action(&work->ask);
}

/*
 * Judges anew the session, which is only counted, that work->pkt belongs to. Returns the reason
 * against the packet, if there is one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_judge_again(struct sl_ctx *ctx)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	__u16 generation = sl_rules_generation();
	struct sl_flow *flow, *other, *opener, *answer;
	bool for_good;
	enum sl_policy_action action;

	flow = work ? sl_flow_find(&work->pkt) : NULL;
	if (!flow)
		return SL_DROP_NONE;
	sl_reverse_key(work->pkt.family, &work->pkt.key, flow, &work->other);
	other = sl_flow_get(work->pkt.family, &work->other);
	if (!other)
		return SL_DROP_NONE;
	opener = flow->flags & SL_FLOW_ORIG ? flow : other;
	answer = flow->flags & SL_FLOW_ORIG ? other : flow;
	action = sl_judge_pair(ctx, work, flow, other);
	/* For good as well: what was sent to a group, and what nobody has rules for. */
	for_good =
	    work->ask.out_port != SL_POLICY_PORT_UNKNOWN || opener->rules || !sl_policy_in_force();
	return sl_judged_why(ctx, work, action, for_good, generation, opener, answer);
}

/*
 * Judges, for the sweeper, a session of other rules, of which perhaps no packet comes for long:
 * what is forbidden by now shows so, and all else is decided with the next packet. Where the
 * sender's MAC would have to be told, that is left to its packets.
 */
static __always_inline void sl_judge_visited(__u8 family, const union sl_key *key,
					     struct sl_flow *flow, struct sl_flow *reverse)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	__u16 out_port;

	out_port = sl_judged_out(flow, reverse);
	if (!work || !flow->rules || !sl_rules_old(flow) || out_port == SL_POLICY_PORT_UNKNOWN)
		return;
	flow->rules = reverse->rules = 0;
	if (!sl_policy_in_force() || sl_policy_asks_mac())
		return;
	sl_judged_query(&work->ask, family, key, flow, out_port);
	sl_judged(&work->ask, sl_judged_action(&work->ask), false, 0, flow, reverse);
}

#endif
