/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame that is refused (TC) is counted and reported here, and its sender is told where that is
 * due.
 */
#ifndef SLUICE_BPF_ROUTE_ANSWER_H
#define SLUICE_BPF_ROUTE_ANSWER_H

#include "ctx/skb.h"
#include "lib/event.h"
#include "maps/work.h"
#include "route/icmp_reply.h"
#include "route/reset.h"

/* Says whether the sender of what is refused is to be told: SL_REPLY, or SL_DROP. */
static __always_inline enum sl_verdict sl_refused(const struct sl_packet *pkt)
{
	__u8 why = pkt->reason;

	return why == SL_DROP_TTL_EXCEEDED || why == SL_DROP_TOO_BIG || why == SL_DROP_POLICY_REJECT
		   ? SL_REPLY
		   : SL_DROP;
}

/*
 * Makes the answer of a frame that is refused. SL_REPLY: the frame is it now. SL_DROP: there is
 * none.
 */
static __always_inline enum sl_verdict sl_reply(struct __sk_buff *ctx, const struct sl_port *port,
						struct sl_work *work)
{
	if (work->pkt.l3_off != ETH_HLEN || !sl_may_answer(ctx, port))
		return SL_DROP;
	if (work->pkt.reason == SL_DROP_POLICY_REJECT && work->pkt.proto == IPPROTO_TCP)
		return sl_reset(ctx);
	return sl_icmp_reply(ctx, port, &work->pkt, work->for_external, work->hop.mtu);
}

/*
 * Counts and reports the frame as it came. If it is to be answered, it becomes the answer and is
 * sent: SL_SENT. Else SL_DROP.
 */
static __always_inline enum sl_verdict
sl_ingress_drop(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work, bool reply)
{
	sl_report_drop(ctx, port->id, work->pkt.reason, false);
	if (!reply || sl_reply(ctx, port, work) != SL_REPLY)
		return SL_DROP;
	ctx->tc_index = SL_TC_INDEX_SEGMENT; /* ours: no policy is asked about it */
	bpf_redirect(ctx_ifindex(ctx), 0);
	return SL_SENT;
}

#endif
