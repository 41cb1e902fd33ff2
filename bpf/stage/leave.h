/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SLUICE_BPF_STAGE_LEAVE_H
#define SLUICE_BPF_STAGE_LEAVE_H

#include "lib/packet.h"
#include "lib/verdict.h"

/* TTL and MTU, once the way out is known. SL_DROP with the reason, or SL_CONTINUE. */
static __always_inline enum sl_verdict sl_may_leave(struct sl_ctx *ctx, struct sl_packet *pkt,
						    const struct sl_hop *hop)
{
	if (unlikely(pkt->ttl <= 1))
		return sl_refuse(pkt, SL_DROP_TTL_EXCEEDED);
	if (unlikely(ctx_segment_len(ctx, pkt) > hop->mtu))
		return sl_refuse(pkt, SL_DROP_TOO_BIG);
	return SL_CONTINUE;
}

#endif
