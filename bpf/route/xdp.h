/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router on XDP forwards what belongs to a session and opens sessions about which nothing is
 * special. It finishes a packet completely or leaves it to TC untouched.
 */
#ifndef SLUICE_BPF_ROUTE_XDP_H
#define SLUICE_BPF_ROUTE_XDP_H

#include "ctx/xdp.h"
#include "ctx/xdp_csum.h"
#include "flow/flow.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "qos/police.h"
#include "flow/admit.h"
#include "route/enter.h"
#include "route/nexthop.h"
#include "route/open.h"
#include "route/rewrite.h"
#include "route/source.h"

/* Is there more about the packet than options that say nothing of its way? */
static __always_inline bool sl_is_special(struct xdp_md *ctx, const struct sl_packet *pkt)
{
	return pkt->vlan_tags || pkt->fragment != SL_FRAG_NONE || pkt->hidden || pkt->icmp_error ||
	       sl_source_routed(ctx, pkt);
}

/* Does the packet need more than a rewrite, or go better by TC? */
static __always_inline bool sl_needs_full_path(struct xdp_md *ctx, const struct sl_port *port,
					       const struct sl_packet *pkt)
{
	if (unlikely(pkt->special) && sl_is_special(ctx, pkt))
		return true;
	if (pkt->ttl <= 1)
		return true;
	return (port->flags & SL_PORT_XDP_NO_TCP) && pkt->proto == IPPROTO_TCP;
}

/* May the packet open a session here? That may UDP, an echo request, and a SYN. */
static __always_inline bool sl_may_open(const struct sl_packet *pkt)
{
	switch (pkt->proto) {
	case IPPROTO_UDP:
		return true;
	case IPPROTO_TCP:
		return sl_is_syn(pkt);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sl_icmp_is_request(pkt);
	default:
		return false;
	}
}

/*
 * Opens the session of work->pkt. SL_PASS, with nothing changed, unless the way out is known and
 * can be redirected to.
 */
static __noinline enum sl_verdict sl_open_session(struct xdp_md *ctx, const struct sl_port *port,
						  struct sl_work *work)
{
	enum sl_verdict verdict;
	enum sl_drop why;

	if (sl_plan_session(ctx, port, work) != SL_CONTINUE || work->hop.neigh ||
	    ctx_redirect(ctx, &work->hop) != XDP_REDIRECT || ctx_l4_csum_complete(ctx, &work->pkt))
		return SL_PASS;
	why = sl_police(ctx, port);
	if (why)
		return sl_refuse(&work->pkt, why);
	verdict = sl_enter_session(ctx, work);
	/* TC may make room for it. */
	return verdict == SL_DROP && sl_wants_room(work->pkt.reason) ? SL_PASS : verdict;
}

/*
 * Forwards a packet of a session that is known. SL_CONTINUE: it is the first packet of a session.
 */
static __always_inline enum sl_verdict sl_fast_path(struct xdp_md *ctx, const struct sl_port *port,
						    const struct sl_sender *sender,
						    struct sl_work *work, __u32 len)
{
	const struct sl_settings *settings = sl_settings_now();
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	enum sl_verdict verdict;
	struct sl_flow *flow;
	__u32 now;
	enum sl_drop why;

	verdict = sl_enter(ctx, port, sender, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	if (!settings || sl_needs_full_path(ctx, port, pkt))
		return SL_PASS;
	flow = sl_flow_find_with(settings, pkt);
	if (!flow)
		return sl_may_open(pkt) ? SL_CONTINUE : SL_PASS;
	if (sl_is_syn(pkt)) /* a connection reopened concerns both directions */
		return SL_PASS;
	if (sl_flow_stale(flow, port)) /* TC decides it anew */
		return SL_PASS;
	now = sl_tick_now();
	if (!sl_nexthop_cached(flow, pkt, settings, now, hop) &&
	    sl_nexthop_ask(ctx, port, pkt, flow, hop) != SL_WAY_KNOWN)
		return SL_PASS;
	/* Noted now, done if we return XDP_REDIRECT: what can't be sent there stays as it came. */
	if (pkt->l3_len > hop->mtu || ctx_redirect(ctx, hop) != XDP_REDIRECT ||
	    ctx_l4_csum_complete(ctx, pkt))
		return SL_PASS;
	why = sl_police(ctx, port);
	if (why)
		return sl_refuse(pkt, why);
	if (unlikely(sl_flow_account(flow, pkt, len, now)))
		sl_detect_packets(ctx, pkt, flow->in_port);
	return sl_rewrite(ctx, pkt, flow, hop);
}

/* Opens a session and forwards its first packet. */
static __noinline enum sl_verdict sl_xdp_first(struct xdp_md *ctx, const struct sl_port *port,
					       struct sl_work *work)
{
	enum sl_verdict verdict = sl_open_session(ctx, port, work);

	if (verdict == SL_FORWARD)
		verdict = sl_rewrite(ctx, &work->pkt, &work->opened, &work->hop);
	return verdict;
}

#endif
