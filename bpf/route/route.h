/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router on TC lets an IP packet go on with its session, or begin one, or leaves it to the
 * kernel. It also sees to what comes or goes in fragments.
 */
#ifndef SLUICE_BPF_ROUTE_ROUTE_H
#define SLUICE_BPF_ROUTE_ROUTE_H

#include "ctx/skb.h"
#include "route/answer.h"
#include "detect/detect.h"
#include "flow/flow.h"
#include "flow/session.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "maps/work.h"
#include "nat/nat.h"
#include "policy/judge.h"
#include "route/cut.h"
#include "route/decide.h"
#include "route/early_drop.h"
#include "route/fragment.h"
#include "route/hidden.h"
#include "route/hold.h"
#include "route/icmp_quote.h"
#include "route/icmp_related.h"
#include "route/leave.h"
#include "route/nexthop.h"
#include "route/open.h"
#include "route/rewrite.h"
#include "route/source.h"
#include "route/untag.h"

/*
 * Asks anew for the way out of a session's packet if it is not remembered, and decides the session
 * anew if it is not as it was decided.
 * SL_CONTINUE: work->hop is the way out. SL_PASS, or SL_DROP with pkt->reason. SL_ENDED: its
 * session has ended.
 */
static __noinline enum sl_verdict sl_continue_slowly(struct __sk_buff *ctx,
						     const struct sl_port *in, struct sl_work *work,
						     struct sl_flow *flow)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	bool decide = sl_flow_stale(flow, in);
	enum sl_way way = SL_WAY_KNOWN;

	if (!decide) {
		way = sl_nexthop_ask(ctx, in, pkt, flow, hop);
		decide = way == SL_WAY_MOVED;
	}
	if (decide) {
		switch (sl_decide_again(ctx, in)) {
		case SL_DECIDED_KEEP:
			break;
		case SL_DECIDED_END:
			sl_session_end_of(work, flow);
			return SL_ENDED;
		case SL_DECIDED_DROP:
			return SL_DROP;
		default:
			return SL_PASS;
		}
		/* The way of what opened the session was part of the decision. */
		way = flow->flags & SL_FLOW_ORIG ? SL_WAY_KNOWN
						 : sl_nexthop_ask(ctx, in, pkt, flow, hop);
	}
	if (way == SL_WAY_NOT_BACK)
		return sl_refuse(pkt, SL_DROP_NO_WAY_BACK);
	if (!sl_way_found(way))
		return SL_PASS;
	hop->neigh = true;
	return SL_CONTINUE;
}

/*
 * Judges the next packet of a session.
 * SL_FORWARD, SL_PASS, or SL_DROP with pkt->reason. SL_ENDED: its session is over by the rules in
 * force, and it is to be treated as the first packet of another one.
 */
static __always_inline enum sl_verdict
sl_continue_session(struct __sk_buff *ctx, const struct sl_settings *settings,
		    const struct sl_port *in, struct sl_work *work, struct sl_flow *flow)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	__u32 now = sl_tick_now();
	enum sl_verdict verdict;

	if (sl_flow_stale(flow, in) || !sl_nexthop_cached(flow, pkt, settings, now, hop)) {
		verdict = sl_continue_slowly(ctx, in, work, flow);
		if (verdict != SL_CONTINUE)
			return verdict;
	}
	verdict = sl_may_leave(ctx, pkt, hop);
	if (verdict == SL_CONTINUE && unlikely(sl_is_syn(pkt)))
		verdict = sl_session_reopen(pkt, flow);
	if (verdict != SL_CONTINUE)
		return verdict;
	if (unlikely(sl_flow_account(flow, pkt, ctx_len(ctx), now)))
		sl_detect_packets(ctx, pkt, flow->in_port);
	return SL_FORWARD;
}

/* Was the packet sent to an external address of ours? */
static __always_inline bool sl_for_external(const struct sl_packet *pkt, const struct sl_flow *flow)
{
	return pkt->family == AF_INET && flow->daddr != pkt->k4.daddr;
}

/* Opens the session of a first packet. */
static __noinline enum sl_verdict sl_route_first(struct __sk_buff *ctx, const struct sl_port *port,
						 struct sl_work *work)
{
	enum sl_verdict verdict = sl_plan_session(ctx, port, work);

	return verdict == SL_CONTINUE ? sl_enter_session(ctx, work) : verdict;
}

/*
 * Forwards the next packet of a session that is as it was decided, its way out remembered: nearly
 * every one, so without a call. SL_CONTINUE: nothing was done, and sl_route() is to see it.
 */
static __always_inline enum sl_verdict
sl_route_at_once(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	const struct sl_settings *settings = sl_settings_now();
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	__u32 now = sl_tick_now();
	struct sl_flow *flow;

	if (!settings || unlikely(pkt->special || sl_is_syn(pkt)))
		return SL_CONTINUE;
	flow = sl_flow_find_with(settings, pkt);
	if (!flow || sl_flow_stale(flow, port) ||
	    !sl_nexthop_cached(flow, pkt, settings, now, hop) || !sl_leaves_whole(ctx, pkt, hop))
		return SL_CONTINUE;
	if (unlikely(sl_flow_account(flow, pkt, ctx_len(ctx), now)))
		sl_detect_packets(ctx, pkt, flow->in_port);
	return sl_rewrite(ctx, pkt, flow, hop);
}

/* Routes an ICMP error whose source is right. SL_CONTINUE: it is about none of our translations. */
static __always_inline enum sl_verdict
sl_route_error(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_verdict verdict;
	enum sl_source source;

	if (sl_martian(pkt))
		return SL_PASS;
	source = sl_source_judge(ctx, port);
	if (source == SL_SOURCE_WRONG)
		return sl_refuse(pkt, SL_DROP_SOURCE);
	work->overlaps = source == SL_SOURCE_OVERLAPS;
	verdict = sl_icmp_related(ctx, port, work);
	if (verdict == SL_CONTINUE && sl_policy_in_force() && sl_icmp_unrelated(ctx, port->id))
		return sl_refuse(pkt, SL_DROP_ICMP_UNRELATED);
	return verdict;
}

/* Sees to what is special about a packet. SL_CONTINUE: it may be one of a session. */
static __always_inline enum sl_verdict
sl_route_special(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_verdict verdict;
	enum sl_drop why;

	if (pkt->vlan_tags) {
		if (pkt->priority_tags < pkt->vlan_tags)
			return SL_PASS;
		if (sl_untag(ctx, pkt))
			return sl_refuse(pkt, SL_DROP_REWRITE_FAILED);
	}
	if (pkt->options && sl_source_routed(ctx, pkt))
		return sl_refuse(pkt, SL_DROP_SOURCE_ROUTED);
	if (pkt->icmp_error) {
		verdict = sl_route_error(ctx, port, work);
		if (verdict != SL_CONTINUE)
			return verdict;
	}
	if (pkt->fragment != SL_FRAG_NONE || pkt->hidden) {
		why = sl_route_hidden(ctx, port->id, port->domain);
		if (why)
			return sl_refuse(pkt, why);
	}
	return SL_CONTINUE;
}

/*
 * Routes the IP packet in work->pkt, which entered by `port`. Global: the verifier looks once, not
 * for ports and gateways each.
 */
__noinline enum sl_verdict sl_route(struct __sk_buff *ctx, const struct sl_port *port)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;
	enum sl_verdict verdict;
	struct sl_flow *flow;

	if (!settings || !work || !port)
		return SL_PASS;
	pkt = &work->pkt;
	if (unlikely(pkt->special)) {
		verdict = sl_route_special(ctx, port, work);
		if (verdict != SL_CONTINUE)
			return verdict;
	}

	flow = sl_flow_find_with(settings, pkt);
	verdict = likely(flow) ? sl_continue_session(ctx, settings, port, work, flow) : SL_ENDED;
	if (verdict == SL_ENDED) {
		flow = &work->opened;
		verdict = sl_route_first(ctx, port, work);
		if (verdict == SL_DROP && sl_make_room(work))
			verdict = sl_route_first(ctx, port, work);
	}
	if (verdict == SL_FORWARD) {
		/* What is only routed is the kernel's to cut up: RFC 1812 section 5.2.6. */
		if (unlikely(pkt->cut) && !sl_is_translated(flow))
			return SL_PASS;
		return sl_rewrite(ctx, pkt, flow, &work->hop);
	}
	if (verdict != SL_DROP)
		return verdict;
	if (pkt->reason == SL_DROP_TOO_BIG && !pkt->df && !sl_translated(work, flow))
		return SL_PASS; /* the kernel's to cut up: RFC 1812 section 5.2.6 */
	work->for_external = sl_for_external(pkt, flow);
	return sl_refused(pkt);
}

/* Routes it, and does what there is to do for packets that came or go in fragments. */
static __always_inline enum sl_verdict
sl_route_parts(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	enum sl_verdict verdict = SL_CONTINUE;

	/* Not with a call at the end: Linux 6.1 has no loop that begins right behind one. */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i <= SL_HELD_PLACES && verdict == SL_CONTINUE; i++) {
		verdict = sl_route(ctx, port);
		if (likely(!work->pkt.special))
			break;
		if (work->pkt.fragment != SL_FRAG_NONE)
			verdict = sl_route_noted(ctx, port, verdict);
		if (work->pkt.cut && verdict == SL_FORWARD)
			verdict = sl_cut(ctx, port);
		if (work->pkt.fragment != SL_FRAG_NONE && verdict == SL_FORWARD &&
		    i < SL_HELD_PLACES)
			verdict = sl_held_next(ctx, port);
	}
	return verdict;
}

#endif
