// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TC full path: every port, all features. Ingress forwards, translates and opens sessions;
 * egress sees what the host itself sends and lets nothing leave that should have been translated.
 * What is not ours goes on to the next program and to the kernel as it came (TC_ACT_UNSPEC).
 */
#include "ctx/skb.h"
#include "lib/count.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "block/block.h"
#include "route/cut.h"
#include "route/decide.h"
#include "pass/door.h"
#include "route/early_drop.h"
#include "route/enter.h"
#include "flow/flow.h"
#include "route/fragment.h"
#include "guard/egress.h"
#include "route/nexthop.h"
#include "policy/judge.h"
#include "route/open.h"
#include "qos/egress.h"
#include "route/rewrite.h"
#include "pass/shortcut.h"
#include "route/icmp_related.h"
#include "route/icmp_quote.h"
#include "route/icmp_reply.h"
#include "route/reset.h"
#include "sweep/sweep.h"
#include "switch/tc.h"
#include "pass/track.h"
#include "route/untag.h"

/*
 * The way out of a session's packet that is not remembered, or a session that is not as it was
 * decided. SL_CONTINUE: *hop is the way out; SL_PASS, SL_DROP; SL_ENDED: its session has ended.
 */
static __noinline enum sl_verdict sl_continue_slowly(struct __sk_buff *ctx,
						     const struct sl_port *in, struct sl_work *work,
						     struct sl_flow *flow)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	bool decide = sl_flow_stale(flow, in);
	int err = 0;

	if (!decide) {
		err = sl_nexthop_ask(ctx, in, pkt, flow, hop);
		decide = err == SL_NEXTHOP_MOVED;
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
		err = flow->flags & SL_FLOW_ORIG ? 0 : sl_nexthop_ask(ctx, in, pkt, flow, hop);
	}
	if (err == SL_NO_WAY_BACK)
		return sl_refuse(pkt, SL_DROP_NO_WAY_BACK);
	if (!sl_fib_found(err))
		return SL_PASS;
	hop->neigh = true;
	return SL_CONTINUE;
}

/*
 * The next packet of a session. SL_ENDED: its session is over by the rules in force, and it is to
 * be treated as the first packet of another one.
 */
static __always_inline enum sl_verdict
sl_continue_session(struct __sk_buff *ctx, const struct sl_settings *settings,
		    const struct sl_port *in, struct sl_work *work, struct sl_flow *flow)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	__u32 now = sl_tick_now();
	enum sl_verdict verdict;

	if (sl_flow_stale(flow, in) || !sl_nexthop_cached(flow, settings, now, hop)) {
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

/* Is the packet translated, or would it be (or not leave) if its session were opened? */
static __always_inline bool sl_translated(const struct sl_work *work, const struct sl_flow *flow)
{
	return (flow->flags & (SL_FLOW_SNAT | SL_FLOW_DNAT)) ||
	       (work->uplink && sl_nat_hidden(work->uplink, work->pkt.k4.saddr));
}

/* Is the sender of what is refused to be told? SL_REPLY, or SL_DROP. */
static __always_inline enum sl_verdict sl_refused(const struct sl_packet *pkt)
{
	__u8 why = pkt->reason;

	return why == SL_DROP_TTL_EXCEEDED || why == SL_DROP_TOO_BIG || why == SL_DROP_POLICY_REJECT
		   ? SL_REPLY
		   : SL_DROP;
}

/* The first packet of a session. */
static __noinline enum sl_verdict sl_route_first(struct __sk_buff *ctx, const struct sl_port *port,
						 struct sl_work *work)
{
	enum sl_verdict verdict = sl_plan_session(ctx, port, work);

	return verdict == SL_CONTINUE ? sl_enter_session(ctx, work) : verdict;
}

/*
 * The next packet of a session that is as it was decided, its way out remembered: nearly every one,
 * so without a call. SL_CONTINUE: sl_route() is to see it, of which nothing was done.
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
	if (!flow || sl_flow_stale(flow, port) || !sl_nexthop_cached(flow, settings, now, hop) ||
	    !sl_leaves_whole(ctx, pkt, hop))
		return SL_CONTINUE;
	if (unlikely(sl_flow_account(flow, pkt, ctx_len(ctx), now)))
		sl_detect_packets(ctx, pkt, flow->in_port);
	return sl_rewrite(ctx, pkt, flow, hop);
}

/* An ICMP error, from a source that is right. SL_CONTINUE: about none of our translations. */
static __always_inline enum sl_verdict
sl_route_error(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_verdict verdict;
	int source;

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

/* What is special about a packet is seen to. SL_CONTINUE: it may be one of a session. */
static __always_inline enum sl_verdict
sl_route_special(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_verdict verdict;
	int why;

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
 * The IP packet for the router in work->pkt, which entered by `port`: enum sl_verdict. Global: the
 * verifier looks once, not for ports and gateways each.
 */
__noinline int sl_route(struct __sk_buff *ctx, const struct sl_port *port)
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
		if (unlikely(pkt->cut) && !(flow->flags & (SL_FLOW_SNAT | SL_FLOW_DNAT)))
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

/* The same, and what there is to do for packets that came or go in fragments. */
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

/* Makes the answer of a frame that is refused; SL_DROP: there is none. */
static __always_inline enum sl_verdict sl_reply(struct __sk_buff *ctx, const struct sl_port *port,
						struct sl_work *work)
{
	if (work->pkt.l3_off != ETH_HLEN || !sl_may_answer(ctx, port))
		return SL_DROP;
	if (work->pkt.reason == SL_DROP_POLICY_REJECT && work->pkt.proto == IPPROTO_TCP)
		return sl_reset(ctx);
	return sl_icmp_reply(ctx, port, &work->pkt, work->for_external, work->hop.mtu);
}

/* Counts and reports the frame as it came; if it is to be answered, makes the answer of it. */
static __always_inline int sl_ingress_drop(struct __sk_buff *ctx, const struct sl_port *port,
					   struct sl_work *work, bool reply)
{
	sl_report_drop(ctx, port->id, work->pkt.reason, false);
	if (!reply || sl_reply(ctx, port, work) != SL_REPLY)
		return TC_ACT_SHOT;
	ctx->tc_index = SL_TC_INDEX_SEGMENT; /* ours: no policy is asked about it */
	return bpf_redirect(ctx_ifindex(ctx), 0);
}

/* Answers the sender of a packet that the gateway can't forward. */
static __always_inline int sl_gateway_reply(struct __sk_buff *ctx, const struct sl_port *port,
					    struct sl_work *work)
{
	if (sl_reply(ctx, &work->gateway, work) != SL_REPLY)
		return TC_ACT_SHOT;
	work->l2.len = ctx_len(ctx) - ETH_HLEN;
	return sl_switch_send_to(ctx, work, port->id) ?: TC_ACT_SHOT;
}

/* Counts a switched port's frame; action 0: it is dropped. */
static __always_inline void sl_switch_count(struct sl_port_stats *stats, const struct sl_work *work,
					    int action, enum sl_vlan_count count, __u32 len)
{
	sl_count(&stats->rx[action ? SL_COUNT_FORWARDED : SL_COUNT_DROPPED], len);
	sl_vlan_count(work->l2.vid, action ? count : SL_VLAN_DROPPED, len);
}

/*
 * The end of a frame of `len` bytes for the gateway of a VLAN. action: how it is sent; 0: it is
 * dropped.
 */
static __always_inline int sl_gateway_finish(struct __sk_buff *ctx, const struct sl_port *port,
					     struct sl_port_stats *stats, struct sl_work *work,
					     enum sl_verdict verdict, int action, __u32 len)
{
	sl_switch_count(stats, work, action, SL_VLAN_ROUTED, len);
	if (likely(action))
		return action;
	sl_report_drop(ctx, port->id, work->pkt.reason, false);
	return verdict == SL_REPLY ? sl_gateway_reply(ctx, port, work) : TC_ACT_SHOT;
}

#define SL_TO_HOST -4 /* no TC action */

/* The end of a frame for the gateway. SL_TO_HOST: the caller's to give to sl_tc_host(). */
static __noinline int sl_tc_gateway_end(struct __sk_buff *ctx, const struct sl_port *port,
					struct sl_port_stats *stats, struct sl_work *work,
					enum sl_verdict verdict)
{
	int action = 0;

	if (verdict == SL_PASS)
		return SL_TO_HOST;
	if (unlikely(verdict == SL_HELD))
		return sl_held_end(stats, work);
	if (verdict == SL_FORWARD) {
		sl_count_tx(ctx_counted_port(&work->hop), SL_COUNT_FORWARDED, ctx_len(ctx));
		action = ctx_redirect(ctx, &work->hop);
	}
	return sl_gateway_finish(ctx, port, stats, work, verdict, action, work->len);
}

/* What the gateway of a VLAN leaves to the host, whose interface is behind the VLAN's port. */
static __noinline int sl_tc_host(struct __sk_buff *ctx, const struct sl_port *port,
				 struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_vlan *vlan = sl_vlan_of(work->l2.vid);
	int action = 0, why = 0;

	if (sl_leaves_ports(ctx, &work->gateway, &work->pkt))
		why = SL_DROP_OUTSIDE;
	else if (vlan && (port->flags & SL_PORT_TRACK) && !work->pkt.cut)
		why = sl_track(ctx, work, port->id, vlan->port, work->l2.vid);
	work->pkt.reason = why;
	if (vlan && !why)
		action = sl_switch_send_to(ctx, work, vlan->port);
	return sl_gateway_finish(ctx, port, stats, work, sl_refused(&work->pkt), action, work->len);
}

#define SL_TO_GATEWAY -2 /* no TC action */

/* What enters by a switched port. SL_TO_GATEWAY: the caller's to give to sl_tc_gateway(). */
static __noinline int sl_tc_switch(struct __sk_buff *ctx, const struct sl_port *port,
				   struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_switch_port *sp = sl_switch_port_of(port->id);
	enum sl_vlan_count count = SL_VLAN_SWITCHED;
	const struct sl_vlan *vlan;
	__u32 len = ctx_len(ctx);
	int action = 0;

	if (!sp)
		return TC_ACT_SHOT;
	if (sl_switch_receive(ctx, port, sp, work) == SL_CONTINUE) {
		vlan = sl_vlan_of(work->l2.vid);
		if (vlan && sl_for_gateway(vlan, port, &work->l2))
			return SL_TO_GATEWAY;
		action = sl_switch_forward(ctx, port, sp, work, &count);
	}
	sl_switch_count(stats, work, action, count, len);
	if (likely(action))
		return action;
	return sl_ingress_drop(ctx, port, work, sl_refused(&work->pkt) == SL_REPLY);
}

/* Rate and DSCP of what the guard lets in. As sl_enter(). */
static __always_inline enum sl_verdict
sl_qos_enter(struct __sk_buff *ctx, const struct sl_port *port, struct sl_packet *pkt)
{
	int why = sl_police(ctx, port);

	if (why)
		return sl_refuse(pkt, why);
	if (port->qos & SL_QOS_REMARK)
		sl_remark(ctx, port->id, SL_PCP_KEEP);
	return SL_CONTINUE;
}

/* What is left to the kernel, or to go past its bridge to another port, is counted. */
static __always_inline enum sl_verdict
sl_router_pass(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work, __u32 to)
{
	struct sl_packet *pkt = &work->pkt;
	int why = 0;

	if ((port->flags & SL_PORT_TRACK) && !pkt->cut) /* the router has seen to its session */
		why = sl_track(ctx, work, port->id, to, port->domain);
	if (!why && pkt->ethertype == bpf_htons(ETH_P_ARP))
		why = sl_detect_arp(ctx, port->id, ETH_HLEN);
	if (likely(!why))
		return SL_PASS;
	pkt->reason = why;
	return sl_refused(pkt);
}

/* To whom a frame goes that the router leaves alone: a port, whoever the kernel's routes say, or a
 * bridge's members. */
static __always_inline __u32 sl_router_pass_to(struct __sk_buff *ctx, const struct sl_port *port,
					       const struct sl_port *out)
{
	if (out)
		return out->id;
	return sl_for_router(ctx, port) ? SL_TRACK_BY_ROUTES : SL_POLICY_PORT_UNKNOWN;
}

#define SL_TO_KERNEL -3 /* no TC action */

/* A frame that is not forwarded: the kernel's, or refused. */
static __always_inline int sl_router_finish(struct __sk_buff *ctx, const struct sl_port *port,
					    struct sl_port_stats *stats, struct sl_work *work,
					    enum sl_verdict verdict, __u32 len)
{
	if (verdict == SL_PASS)
		return SL_TO_KERNEL;
	sl_count(&stats->rx[SL_COUNT_DROPPED], len);
	return sl_ingress_drop(ctx, port, work, verdict == SL_REPLY);
}

static __always_inline int sl_router_forward(struct __sk_buff *ctx, struct sl_port_stats *stats,
					     struct sl_work *work)
{
	sl_count(&stats->rx[SL_COUNT_FORWARDED], work->len);
	sl_count_tx(ctx_counted_port(&work->hop), SL_COUNT_FORWARDED, ctx_len(ctx));
	return ctx_redirect(ctx, &work->hop);
}

#define SL_TO_ROUTE -5 /* no TC action */

/*
 * What enters by any other port. SL_TO_ROUTE: the caller's to give to sl_route(); SL_TO_KERNEL: to
 * sl_tc_pass().
 */
static __noinline int sl_tc_router(struct __sk_buff *ctx, const struct sl_port *port,
				   struct sl_port_stats *stats, struct sl_work *work)
{
	struct sl_sender sender = {};
	int why = sl_guard_at_sight(ctx, port, &sender);
	enum sl_verdict verdict =
	    why ? sl_refuse(&work->pkt, why) : sl_enter(ctx, port, &sender, &work->pkt);

	if (unlikely(port->qos) && verdict != SL_DROP &&
	    sl_qos_enter(ctx, port, &work->pkt) == SL_DROP)
		verdict = SL_DROP;
	if (verdict == SL_CONTINUE)
		verdict = sl_route_at_once(ctx, port, work);
	if (verdict == SL_CONTINUE)
		return SL_TO_ROUTE;
	if (likely(verdict == SL_FORWARD))
		return sl_router_forward(ctx, stats, work);
	return sl_router_finish(ctx, port, stats, work, verdict, work->len);
}

/* The end of a packet for the router. SL_TO_KERNEL: as above. */
static __noinline int sl_tc_router_end(struct __sk_buff *ctx, const struct sl_port *port,
				       struct sl_port_stats *stats, struct sl_work *work,
				       enum sl_verdict verdict)
{
	if (verdict == SL_FORWARD)
		return sl_router_forward(ctx, stats, work);
	if (unlikely(verdict == SL_HELD))
		return sl_held_end(stats, work);
	return sl_router_finish(ctx, port, stats, work, verdict, work->len);
}

/* What the router leaves alone: the kernel's, or another port's past its bridge. */
static __noinline int sl_tc_pass(struct __sk_buff *ctx, const struct sl_port *port,
				 struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_port *out =
	    port->flags & SL_PORT_SHORTCUT ? sl_shortcut_find(ctx, port) : NULL;
	enum sl_verdict verdict;

	if (!out && sl_for_router(ctx, port) && sl_leaves_ports(ctx, port, &work->pkt))
		verdict = sl_refuse(&work->pkt, SL_DROP_OUTSIDE);
	else
		verdict = sl_router_pass(ctx, port, work, sl_router_pass_to(ctx, port, out));
	if (verdict != SL_PASS) {
		sl_count(&stats->rx[SL_COUNT_DROPPED], work->len);
		return sl_ingress_drop(ctx, port, work, verdict == SL_REPLY);
	}
	sl_count(&stats->rx[out ? SL_COUNT_FORWARDED : SL_COUNT_PASSED], work->len);
	if (out) {
		ctx->tc_index = SL_TC_INDEX_SWITCHED;
		return bpf_redirect(out->ifindex, 0);
	}
	ctx_clear_mark(ctx);
	sl_door_mark(ctx);
	return TC_ACT_UNSPEC;
}

/* Drops what is from or to a listed address. A function for the sake of its caller's stack. */
static __noinline bool sl_tc_block(struct __sk_buff *ctx, const struct sl_port *port,
				   struct sl_port_stats *stats)
{
	if (!sl_blocked(ctx))
		return false;
	sl_count(&stats->rx[SL_COUNT_DROPPED], ctx_len(ctx));
	sl_report_drop(ctx, port->id, SL_DROP_BLOCKED, false);
	return true;
}

/* A frame for the gateway of its VLAN, made one that is for the router. */
static __noinline enum sl_verdict
sl_tc_gateway_take(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	const struct sl_vlan *vlan = sl_vlan_of(work->l2.vid);

	return vlan ? sl_gateway_take(ctx, port, vlan, work) : SL_DROP;
}

static __always_inline enum sl_verdict
sl_tc_gateway(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	enum sl_verdict verdict = sl_tc_gateway_take(ctx, port, work);

	return verdict == SL_CONTINUE ? sl_route_parts(ctx, &work->gateway, work) : verdict;
}

SEC("tc")
int sl_tc_ingress(struct __sk_buff *ctx)
{
	const struct sl_port *port = sl_port_find(ctx_ifindex(ctx));
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_port_stats *stats;
	int action;

	if (!port || !work)
		return TC_ACT_UNSPEC;
	stats = sl_port_stats_of(port->id);
	if (!stats)
		return TC_ACT_UNSPEC;
	sl_work_begin(work);
	work->len = ctx_len(ctx);
	sl_count(&stats->rx[SL_COUNT_OBSERVED], work->len);
	/* Even where XDP has looked: anybody may take XDP off an interface, at any time. */
	if (sl_block_any() && sl_tc_block(ctx, port, stats))
		return TC_ACT_SHOT;
	/* One after the other: within each other they would need too much stack. */
	if (!(port->flags & SL_PORT_SWITCHED)) {
		action = sl_tc_router(ctx, port, stats, work);
		if (likely(action == SL_TO_ROUTE))
			action = sl_tc_router_end(ctx, port, stats, work,
						  sl_route_parts(ctx, port, work));
		return action == SL_TO_KERNEL ? sl_tc_pass(ctx, port, stats, work) : action;
	}
	action = sl_tc_switch(ctx, port, stats, work);
	if (action == SL_TO_GATEWAY)
		action = sl_tc_gateway_end(ctx, port, stats, work, sl_tc_gateway(ctx, port, work));
	return action == SL_TO_HOST ? sl_tc_host(ctx, port, stats, work) : action;
}

/* Is a masquerade's source about to leave as it is? Neither tags nor damage hide it. */
static __always_inline bool sl_untranslated(const struct sl_port *port, const struct sl_packet *pkt)
{
	return port->role == SL_ROLE_UPLINK && pkt->family == AF_INET &&
	       !(port->flags & SL_PORT_SWITCHED) && sl_nat_hidden(port->ifindex, pkt->k4.saddr);
}

/* 0, or the reason why the frame may not leave. A function for the sake of its caller's stack. */
static __noinline int sl_egress_judge(struct __sk_buff *ctx, const struct sl_port *port,
				      bool guarded)
{
	struct sl_packet pkt = {};
	int why = 0;

	sl_parse(ctx, &pkt, 0);
	if (guarded)
		why = sl_guard_egress(ctx, port, &pkt);
	if (!why && sl_untranslated(port, &pkt))
		why = SL_DROP_UNTRANSLATED;
	if (!why && (port->qos & SL_QOS_EGRESS))
		why = sl_qos_leave(ctx, port, &pkt);
	return why;
}

/* Nearly every port has nothing to look for. */
static __always_inline int sl_egress(struct __sk_buff *ctx, const struct sl_port *port)
{
	bool guarded = port->flags & SL_PORT_GUARD_EGRESS;

	if (!guarded && !(port->qos & SL_QOS_EGRESS) &&
	    (port->role != SL_ROLE_UPLINK || (port->flags & SL_PORT_SWITCHED)))
		return 0;
	return sl_egress_judge(ctx, port, guarded);
}

/* Did the host itself make the frame? What entered by a port of ours was counted there. */
static __always_inline bool sl_is_hosts(const struct __sk_buff *ctx)
{
	return !ctx->ingress_ifindex || !sl_port_find(ctx->ingress_ifindex);
}

/*
 * What leaves by a port of a bridge: where it goes was not known to the policy where it came in. By
 * its answers, as they would enter here, its session is found. 0, or the reason against it.
 */
static __always_inline int sl_judge_bridged(struct __sk_buff *ctx, const struct sl_port *port,
					    struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_flow *answer;

	sl_parse(ctx, pkt, port->domain);
	if (!pkt->family || pkt->icmp_error || pkt->fragment == SL_FRAG_LATER)
		return 0;
	sl_key_counted(pkt, port->domain);
	sl_turn_round(pkt);
	answer = sl_flow_find(pkt);
	if (!answer || (answer->flags & SL_FLOW_ORIG))
		return 0;
	if (!answer->in_port)
		answer->in_port = port->id;
	return sl_rules_old(answer) ? sl_judge_again(ctx) : 0;
}

/* What leaves by a port that is tracked: 0, or the reason against it. */
static __noinline int sl_track_sent(struct __sk_buff *ctx, const struct sl_port *port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	bool hosts = sl_is_hosts(ctx);

	if (!work || (!hosts && !sl_policy_in_force()))
		return 0;
	sl_work_begin(work);
	return hosts ? sl_track(ctx, work, 0, port->id, port->domain)
		     : sl_judge_bridged(ctx, port, work);
}

static __always_inline int sl_egress_drop(struct __sk_buff *ctx, __u32 port, int why, __u32 len)
{
	sl_count_tx(port, SL_COUNT_DROPPED, len);
	sl_report_drop(ctx, port, why, true);
	return TC_ACT_SHOT;
}

SEC("tc")
int sl_tc_egress(struct __sk_buff *ctx)
{
	__u32 ifindex = ctx_ifindex(ctx), len = ctx_len(ctx), mark = ctx->tc_index;
	const struct sl_port *port;
	int why;

	if (mark == SL_TC_INDEX_PORT) {
		ctx->tc_index = 0;
		return TC_ACT_UNSPEC;
	}
	port = sl_port_find(ifindex);
	if (!port)
		return TC_ACT_UNSPEC;
	/* What we sent into a segment may come to ports for which it is not. */
	why = sl_egress(ctx, port);
	if (why)
		return sl_egress_drop(ctx, port->id, why, len);
	if (mark == SL_TC_INDEX_SEGMENT || mark == SL_TC_INDEX_SWITCHED) {
		ctx->tc_index = 0;
		sl_count_tx(port->id, SL_COUNT_FORWARDED, len);
		return TC_ACT_UNSPEC;
	}
	if (port->flags & SL_PORT_TRACK)
		why = sl_track_sent(ctx, port);
	if (why)
		return sl_egress_drop(ctx, port->id, why, len);
	if (port->flags & SL_PORT_SHORTCUT)
		sl_shortcut_learn(ctx, port);
	sl_count_tx(port->id, SL_COUNT_PASSED, len);
	return TC_ACT_UNSPEC;
}

/* Run once by the loader when an instance is made or its programs are replaced. */
SEC("tc")
int sl_start_sweeper(struct __sk_buff *ctx)
{
	return sl_sweeper_start();
}

char LICENSE[] SEC("license") = "GPL";
