/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the router leaves alone (TC) is tracked, and goes to the kernel with the door's mark, or
 * past the kernel's bridge to another port.
 */
#ifndef SLUICE_BPF_PASS_PASS_H
#define SLUICE_BPF_PASS_PASS_H

#include "detect/detect.h"
#include "lib/count.h"
#include "pass/door.h"
#include "pass/shortcut.h"
#include "pass/track.h"
#include "route/answer.h"

/* Tracks what is left to the kernel, or goes past its bridge to another port. */
static __always_inline enum sl_verdict
sl_router_pass(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work, __u32 to)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_drop why = SL_DROP_NONE;

	if ((port->flags & SL_PORT_TRACK) && !pkt->cut) /* the router has seen to its session */
		why = sl_track(ctx, work, port->id, to, port->domain);
	if (!why && pkt->ethertype == bpf_htons(ETH_P_ARP))
		why = sl_detect_arp(ctx, port->id, ETH_HLEN);
	if (likely(!why))
		return SL_PASS;
	pkt->reason = why;
	return sl_refused(pkt);
}

/*
 * Tells to whom a frame goes that the router leaves alone: a port, whoever the kernel's routes say,
 * or a bridge's members.
 */
static __always_inline __u32 sl_router_pass_to(const struct sl_port *out, bool for_router)
{
	if (out)
		return out->id;
	return for_router ? SL_TRACK_BY_ROUTES : SL_POLICY_PORT_UNKNOWN;
}

/*
 * Ends what the router leaves alone: it is the kernel's, or another port's past its bridge.
 * SL_PASS, SL_SENT, or SL_DROP.
 */
static __noinline enum sl_verdict sl_tc_pass(struct __sk_buff *ctx, const struct sl_port *port,
					     struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_port *out =
	    port->flags & SL_PORT_SHORTCUT ? sl_shortcut_find(ctx, port) : NULL;
	bool for_router = !out && sl_for_router(ctx, port);
	enum sl_verdict verdict;

	if (for_router && sl_leaves_ports(ctx, port, &work->pkt))
		verdict = sl_refuse(&work->pkt, SL_DROP_OUTSIDE);
	else
		verdict = sl_router_pass(ctx, port, work, sl_router_pass_to(out, for_router));
	if (verdict != SL_PASS) {
		sl_count(&stats->rx[SL_COUNT_DROPPED], work->len);
		return sl_ingress_drop(ctx, port, work, verdict == SL_REPLY);
	}
	sl_count(&stats->rx[out ? SL_COUNT_FORWARDED : SL_COUNT_PASSED], work->len);
	if (out) {
		ctx->tc_index = SL_TC_INDEX_SWITCHED;
		bpf_redirect(out->ifindex, 0);
		return SL_SENT;
	}
	ctx_clear_mark(ctx);
	sl_door_mark(ctx);
	return SL_PASS;
}

#endif
