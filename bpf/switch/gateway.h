/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gateway of a VLAN (TC) is the router as the switch's ports see it. What it leaves to the host
 * goes to the internal port of the VLAN.
 */
#ifndef SLUICE_BPF_SWITCH_GATEWAY_H
#define SLUICE_BPF_SWITCH_GATEWAY_H

#include "pass/door.h"
#include "pass/track.h"
#include "route/answer.h"
#include "route/hold.h"
#include "route/route.h"
#include "switch/tc.h"

/*
 * Makes the frame one that the gateway could have got itself, on an interface of its own without
 * tags, and parses it. work->gateway is that interface.
 */
static __always_inline enum sl_verdict sl_gateway_take(struct __sk_buff *ctx,
						       const struct sl_port *port,
						       const struct sl_vlan *vlan,
						       struct sl_work *work)
{
	if (sl_retag(ctx, &work->l2, 0))
		return sl_refuse(&work->pkt, SL_DROP_REWRITE_FAILED);
	work->gateway = *port;
	work->gateway.l3_ifindex = vlan->l3_ifindex;
	work->gateway.domain = work->l2.vid;
	work->gateway.addr4 = vlan->addr4;
	work->gateway.addr6 = vlan->addr6;
	__builtin_memset(&work->pkt, 0, sizeof(work->pkt));
	return sl_parse(ctx, &work->pkt, work->gateway.domain);
}

/* Answers the sender of a packet that the gateway can't forward: SL_SENT, or SL_DROP. */
static __always_inline enum sl_verdict
sl_gateway_reply(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	if (sl_reply(ctx, &work->gateway, work) != SL_REPLY)
		return SL_DROP;
	work->l2.len = ctx_len(ctx) - ETH_HLEN;
	return sl_switch_send_to(ctx, work, port->id);
}

/*
 * Ends a frame of `len` bytes for the gateway of a VLAN: SL_SENT, or SL_DROP.
 * @param verdict SL_REPLY if its sender is to be told that it was dropped
 * @param end SL_SENT, or SL_DROP
 */
static __always_inline enum sl_verdict
sl_gateway_finish(struct __sk_buff *ctx, const struct sl_port *port, struct sl_port_stats *stats,
		  struct sl_work *work, enum sl_verdict verdict, enum sl_verdict end, __u32 len)
{
	sl_switch_count(stats, work, end, SL_VLAN_ROUTED, len);
	if (likely(end != SL_DROP))
		return end;
	sl_report_drop(ctx, port->id, work->pkt.reason, false);
	return verdict == SL_REPLY ? sl_gateway_reply(ctx, port, work) : SL_DROP;
}

/* Ends a frame for the gateway: SL_SENT, SL_DROP, SL_HELD, or SL_TO_HOST. */
static __noinline enum sl_verdict sl_tc_gateway_end(struct __sk_buff *ctx,
						    const struct sl_port *port,
						    struct sl_port_stats *stats,
						    struct sl_work *work, enum sl_verdict verdict)
{
	enum sl_verdict end = SL_DROP;

	if (verdict == SL_PASS)
		return SL_TO_HOST;
	if (unlikely(verdict == SL_HELD))
		return sl_held_end(stats, work);
	if (verdict == SL_FORWARD) {
		sl_count_tx(ctx_counted_port(&work->hop), SL_COUNT_FORWARDED, ctx_len(ctx));
		ctx_redirect(ctx, &work->hop);
		end = SL_SENT;
	}
	return sl_gateway_finish(ctx, port, stats, work, verdict, end, work->len);
}

/*
 * Sends the host what the gateway of a VLAN leaves to it: the host's interface is behind the VLAN's
 * port.
 */
static __noinline enum sl_verdict sl_tc_host(struct __sk_buff *ctx, const struct sl_port *port,
					     struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_vlan *vlan = sl_vlan_of(work->l2.vid);
	enum sl_verdict end = SL_DROP;
	enum sl_drop why = SL_DROP_NONE;

	if (sl_leaves_ports(ctx, &work->gateway, &work->pkt))
		why = SL_DROP_OUTSIDE;
	else if (vlan && (port->flags & SL_PORT_TRACK) && !work->pkt.cut)
		why = sl_track(ctx, work, port->id, vlan->port, work->l2.vid);
	work->pkt.reason = why;
	if (vlan && !why)
		end = sl_switch_send_to(ctx, work, vlan->port);
	return sl_gateway_finish(ctx, port, stats, work, sl_refused(&work->pkt), end, work->len);
}

/* Makes a frame for the gateway of its VLAN one that is for the router. */
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

#endif
