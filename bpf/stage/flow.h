/* SPDX-License-Identifier: GPL-2.0-only */
/* The flow table: look-up and accounting of established flows. One look-up a packet. */
#ifndef SLUICE_BPF_STAGE_FLOW_H
#define SLUICE_BPF_STAGE_FLOW_H

#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "stage/detect.h"

static __always_inline struct sl_flow *sl_flow_find(struct sl_packet *pkt)
{
	struct sl_flow *flow;

	/*
	 * The barrier keeps the compiler from making one call of the two: only where the map is
	 * known does the verifier inline its look-up.
	 */
	if (pkt->family == AF_INET) {
		flow = bpf_map_lookup_elem(&sl_flows4, &pkt->k4);
		barrier_var(flow);
	} else {
		flow = bpf_map_lookup_elem(&sl_flows6, &pkt->k6);
	}
	return flow;
}

static __always_inline __u32 sl_handshake_now(void)
{
	return (bpf_ktime_get_ns() / 1000) & ((1u << SL_HANDSHAKE_BITS) - 1);
}

/* TCP flags that this direction has not sent before. */
static __noinline void sl_flow_tcp_news(struct sl_flow *flow, const struct sl_packet *pkt)
{
	__u8 seen = flow->tcp_seen, news = pkt->tcp_flags & ~seen;

	if ((flow->flags & SL_FLOW_ORIG) && (seen & SL_TCP_SYN) && (news & SL_TCP_ACK)) {
		flow->handshake = sl_handshake_now() - flow->handshake;
		sl_detect_settled(pkt);
	}
	flow->tcp_seen = seen | news;
}

/* True: many packets came since the detectors were told, sl_detect_packets() is to. */
static __always_inline bool sl_flow_account(struct sl_ctx *ctx, struct sl_flow *flow,
					    const struct sl_packet *pkt, __u32 now)
{
	__u64 before = __sync_fetch_and_add(&flow->packets, 1);

	__sync_fetch_and_add(&flow->bytes, ctx_len(ctx));
	if (flow->last_seen != now)
		WRITE_ONCE(flow->last_seen, now);
	if (unlikely(pkt->tcp_flags & ~flow->tcp_seen))
		sl_flow_tcp_news(flow, pkt);
	return !(before & (SL_DETECT_STRIDE - 1)) && before;
}

#endif
