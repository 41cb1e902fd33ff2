/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first packet of a session decides where it goes, what it is translated to, and its entries.
 */
#ifndef SLUICE_BPF_ROUTE_OPEN_H
#define SLUICE_BPF_ROUTE_OPEN_H

#include "lib/packet.h"
#include "lib/port.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "policy/judge.h"
#include "route/leave.h"
#include "nat/nat.h"
#include "route/nexthop.h"
#include "route/source.h"
#include "flow/session.h"
#include "maps/work.h"

/* Plans a flow that only routes: what goes in comes out. Translation is planned on top of it. */
static __always_inline void sl_plan(const struct sl_packet *pkt, __u16 in_port, __u32 frame_len,
				    struct sl_flow *flow, struct sl_birth *birth)
{
	*flow = (struct sl_flow){
	    .packets = 1,
	    .bytes = frame_len,
	    .last_seen = sl_tick_now(),
	    .flags = SL_FLOW_ORIG,
	    .tcp_seen = pkt->tcp_flags,
	    .in_port = in_port,
	    .rules = sl_rules_generation(),
	};
	*birth = (struct sl_birth){
	    .created = sl_clock() >> SL_CREATED_SHIFT,
	    .handshake = sl_is_syn(pkt) ? sl_handshake_now() : 0,
	    .dscp = sl_packet_dscp(pkt),
	};
	if (pkt->family == AF_INET) {
		flow->saddr = pkt->k4.saddr;
		flow->daddr = pkt->k4.daddr;
		flow->sport = pkt->k4.sport;
		flow->dport = pkt->k4.dport;
	} else {
		flow->sport = pkt->k6.sport;
		flow->dport = pkt->k6.dport;
	}
}

/* Is the packet translated, or would it be (or not leave) if its session were opened? */
static __always_inline bool sl_translated(const struct sl_work *work, const struct sl_flow *flow)
{
	if (work->pkt.family != AF_INET)
		return false;
	return sl_is_translated(flow) ||
	       (work->uplink && (sl_nat_hidden(work->uplink, work->pkt.k4.saddr) ||
				 sl_forward_from(work->uplink, &work->pkt.k4)));
}

/*
 * Plans where the first packet of a session goes. SL_CONTINUE: work->opened and work->hop say how,
 * but for the translation of the source.
 */
static __noinline enum sl_verdict sl_plan_session(struct sl_ctx *ctx, const struct sl_port *in,
						  struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_flow *flow = &work->opened;
	struct sl_hop *hop = &work->hop;
	struct sl_route route = {.in_ifindex = in->l3_ifindex};
	const struct sl_forward *forward = NULL;
	const struct sl_port *out;
	enum sl_kernels kernels;
	enum sl_verdict verdict;
	enum sl_source source;
	enum sl_way way;

	if (sl_martian(pkt))
		return SL_PASS;
	source = sl_source_judge(ctx, in);
	if (unlikely(source == SL_SOURCE_WRONG))
		return sl_refuse(pkt, SL_DROP_SOURCE);
	work->overlaps = source == SL_SOURCE_OVERLAPS;
	sl_plan(pkt, in->id, ctx_len(ctx), flow, &work->birth);
	if (pkt->family == AF_INET)
		forward = sl_nat_destination(pkt, flow);
	sl_packet_addrs(pkt, &route.saddr, &route.daddr);
	if (forward)
		route.daddr = forward->addr;
	route.dport = flow->dport;
	way = sl_fib(ctx, pkt, &route, hop);
	if (!sl_way_found(way))
		return SL_PASS;
	hop->neigh = way == SL_WAY_NO_MAC;
	out = sl_port_find(hop->ifindex);
	if (!out)
		return SL_PASS;
	flow->out_domain = out->domain;
	work->uplink = sl_nat_uplink(in, out, forward);
	kernels = sl_nat_kernels(pkt->family, &pkt->k4);
	if (unlikely(kernels == SL_KERNELS_ALL)) /* what was encrypted comes in by here, too */
		return SL_PASS;
	verdict = sl_nat_admit(in, forward, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	if (unlikely(kernels) && !sl_translated(work, flow))
		return SL_PASS;
	verdict = sl_may_leave(ctx, pkt, hop);
	if (verdict == SL_CONTINUE && way == SL_WAY_KNOWN)
		sl_nexthop_store(hop, pkt, flow);
	return verdict;
}

/*
 * May the planned session begin? What a policy denies has been tried none the less: detectors see
 * it.
 * SL_CONTINUE, or SL_DROP with pkt->reason. SL_PASS: TC is to tell the sender that it may not.
 */
static __always_inline enum sl_verdict sl_admit_session(struct sl_ctx *ctx, struct sl_work *work)
{
	bool judged = sl_policy_in_force();
	enum sl_policy_action action = SL_POLICY_ALLOW;
	enum sl_drop why;

	if (judged)
		action = sl_judge_opened(ctx, work->hop.station ?: SL_POLICY_PORT_UNKNOWN);
	if (action == SL_POLICY_REJECT && !ctx_is_last())
		return SL_PASS;
	why = sl_detect_open(ctx, &work->pkt, work->opened.in_port);
	if (!why && judged)
		why = sl_policy_settle(ctx, &work->ask, action);
	return unlikely(why) ? sl_refuse(&work->pkt, why) : SL_CONTINUE;
}

/*
 * Translates the source of the planned session and enters it into the table.
 * SL_FORWARD, or SL_DROP with pkt->reason. SL_PASS: TC is to tell the sender that it may not begin.
 */
static __always_inline enum sl_verdict sl_enter_session(struct sl_ctx *ctx, struct sl_work *work)
{
	enum sl_verdict verdict = sl_admit_session(ctx, work);

	if (verdict != SL_CONTINUE)
		return verdict;
	work->account =
	    sl_account_payer(&work->pkt, &work->opened, work->opened.in_port, work->hop.station);
	if (work->pkt.family == AF_INET && work->uplink)
		verdict = sl_nat_source(ctx, work);
	if (verdict != SL_CONTINUE)
		return verdict;
	if (unlikely(work->overlaps) && !(work->opened.flags & SL_FLOW_SNAT))
		return sl_refuse(&work->pkt, SL_DROP_SOURCE);
	return sl_session_insert(work, work->hop.station);
}

#endif
