/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_ROUTE_LEAVE_H
#define SLUICE_BPF_ROUTE_LEAVE_H

#include "lib/packet.h"
#include "lib/verdict.h"
#include "maps/work.h"

#define SL_CUT_MTU_LEAST 68 /* RFC 791 section 3.2 */

/* May the packet go in fragments (TC)? Packets of IPv4 without options are cut: route/cut.h. */
static __always_inline bool sl_may_cut(const struct sl_packet *pkt, const struct sl_hop *hop)
{
	return ctx_is_last() && !pkt->df && !pkt->gso && pkt->family == AF_INET &&
	       pkt->l3_off == ETH_HLEN && pkt->l4_off == SL_CUT_HEADS &&
	       pkt->l3_len - sizeof(struct iphdr) <= SL_CUT_MOST && hop->mtu >= SL_CUT_MTU_LEAST;
}

/* Does it leave in one piece, with a hop to spare? */
static __always_inline bool sl_leaves_whole(struct sl_ctx *ctx, const struct sl_packet *pkt,
					    const struct sl_hop *hop)
{
	return pkt->ttl > 1 && ctx_segment_len(ctx, pkt) <= hop->mtu;
}

/*
 * Looks at TTL and MTU, once the way out is known. SL_CONTINUE, with pkt->cut in fragments; or
 * SL_DROP with pkt->reason.
 */
static __always_inline enum sl_verdict sl_may_leave(struct sl_ctx *ctx, struct sl_packet *pkt,
						    const struct sl_hop *hop)
{
	if (likely(sl_leaves_whole(ctx, pkt, hop)))
		return SL_CONTINUE;
	if (pkt->ttl <= 1)
		return sl_refuse(pkt, SL_DROP_TTL_EXCEEDED);
	if (!sl_may_cut(pkt, hop))
		return sl_refuse(pkt, SL_DROP_TOO_BIG);
	pkt->cut = true;
	return SL_CONTINUE;
}

#endif
