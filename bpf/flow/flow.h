/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Established flows are accounted for here. */
#ifndef SLUICE_BPF_FLOW_FLOW_H
#define SLUICE_BPF_FLOW_FLOW_H

#include "lib/flow_table.h"
#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "detect/detect.h"

static __always_inline __u32 sl_handshake_now(void)
{
	return (bpf_ktime_get_ns() / 1000) & ((1u << SL_HANDSHAKE_BITS) - 1);
}

/*
 * Notes when the handshake begins: with the SYN that opens a connection in an entry that is there.
 */
static __always_inline void sl_handshake_begin(const struct sl_packet *pkt)
{
	struct sl_birth *birth = sl_birth_at(pkt->family, pkt->slot);

	if (birth)
		birth->handshake = sl_handshake_now();
}

static __always_inline void sl_handshake_end(const struct sl_packet *pkt)
{
	struct sl_birth *birth = sl_birth_at(pkt->family, pkt->slot);

	if (birth)
		birth->handshake = sl_handshake_now() - birth->handshake;
}

/* Does the packet change what its direction was seen to send, by a flag that is new or a reset? */
static __always_inline bool sl_flow_tcp_is_news(const struct sl_flow *flow,
						const struct sl_packet *pkt)
{
	return (pkt->tcp_flags ^ flow->tcp_seen) & (pkt->tcp_flags | SL_TCP_RESET);
}

/*
 * Notes the flags of the packet. A reset stands until its direction sends something else:
 * sl_tcp_is_reset().
 */
static __noinline void sl_flow_tcp_news(struct sl_flow *flow, const struct sl_packet *pkt)
{
	__u8 seen = flow->tcp_seen, news = pkt->tcp_flags & ~seen;

	if ((flow->flags & SL_FLOW_ORIG) && (seen & SL_TCP_SYN) && (news & SL_TCP_ACK)) {
		sl_handshake_end(pkt);
		sl_detect_settled(pkt);
	}
	flow->tcp_seen = (seen & ~SL_TCP_RESET) | pkt->tcp_flags;
}

/*
 * Counts a packet of the flow. True: many have come since the detectors were told, and
 * sl_detect_packets() is to be called.
 */
static __always_inline bool sl_flow_account(struct sl_flow *flow, const struct sl_packet *pkt,
					    __u32 len, __u32 now)
{
	__u64 before = __sync_fetch_and_add(&flow->packets, 1);

	__sync_fetch_and_add(&flow->bytes, len);
	if (flow->last_seen != now)
		WRITE_ONCE(flow->last_seen, now);
	if (unlikely(sl_flow_tcp_is_news(flow, pkt)))
		sl_flow_tcp_news(flow, pkt);
	return !(before & (SL_DETECT_STRIDE - 1)) && before;
}

#endif
