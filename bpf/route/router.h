/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A frame that enters by a port of the router (TC) goes this way, from the guard to its end. */
#ifndef SLUICE_BPF_ROUTE_ROUTER_H
#define SLUICE_BPF_ROUTE_ROUTER_H

#include "lib/count.h"
#include "qos/police.h"
#include "qos/remark.h"
#include "route/answer.h"
#include "route/enter.h"
#include "route/hold.h"
#include "route/route.h"

/* Polices what the guard lets in, and gives it its DSCP: as sl_enter(). */
static __always_inline enum sl_verdict
sl_qos_enter(struct __sk_buff *ctx, const struct sl_port *port, struct sl_packet *pkt)
{
	enum sl_drop why = sl_police(ctx, port);

	if (why)
		return sl_refuse(pkt, why);
	if (port->qos & SL_QOS_REMARK)
		sl_remark(ctx, port->id, SL_PCP_KEEP);
	return SL_CONTINUE;
}

/* Ends a frame that is not forwarded: SL_TO_KERNEL, or it is refused. */
static __always_inline enum sl_verdict
sl_router_finish(struct __sk_buff *ctx, const struct sl_port *port, struct sl_port_stats *stats,
		 struct sl_work *work, enum sl_verdict verdict, __u32 len)
{
	if (verdict == SL_PASS)
		return SL_TO_KERNEL;
	sl_count(&stats->rx[SL_COUNT_DROPPED], len);
	return sl_ingress_drop(ctx, port, work, verdict == SL_REPLY);
}

static __always_inline enum sl_verdict
sl_router_forward(struct __sk_buff *ctx, struct sl_port_stats *stats, struct sl_work *work)
{
	sl_count(&stats->rx[SL_COUNT_FORWARDED], work->len);
	sl_count_tx(ctx_counted_port(&work->hop), SL_COUNT_FORWARDED, ctx_len(ctx));
	ctx_redirect(ctx, &work->hop);
	return SL_SENT;
}

/* Takes what enters by a port of the router. SL_SENT, SL_DROP, SL_TO_ROUTE, or SL_TO_KERNEL. */
static __noinline enum sl_verdict sl_tc_router(struct __sk_buff *ctx, const struct sl_port *port,
					       struct sl_port_stats *stats, struct sl_work *work)
{
	struct sl_sender sender = {};
	enum sl_drop why = sl_guard_at_sight(ctx, port, &sender);
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

/* Ends a packet for the router. SL_SENT, SL_DROP, SL_HELD, or SL_TO_KERNEL. */
static __noinline enum sl_verdict sl_tc_router_end(struct __sk_buff *ctx,
						   const struct sl_port *port,
						   struct sl_port_stats *stats,
						   struct sl_work *work, enum sl_verdict verdict)
{
	if (verdict == SL_FORWARD)
		return sl_router_forward(ctx, stats, work);
	if (unlikely(verdict == SL_HELD))
		return sl_held_end(stats, work);
	return sl_router_finish(ctx, port, stats, work, verdict, work->len);
}

#endif
