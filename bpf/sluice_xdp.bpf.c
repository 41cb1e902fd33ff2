// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XDP fast path. It finishes a packet completely or leaves it untouched: forwards what belongs
 * to an established flow whose way out is known; everything else goes on to TC as it came.
 */
#include "ctx/xdp.h"
#include "ctx/xdp_csum.h"
#include "lib/count.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "stage/flow.h"
#include "stage/nexthop.h"
#include "stage/rewrite.h"

/* Packets that TC wants to see: they open or reopen sessions, or need more than a rewrite. */
static __always_inline bool sl_needs_full_path(const struct sl_port *port,
					       const struct sl_packet *pkt)
{
	if (pkt->vlan_tags || pkt->fragment != SL_FRAG_NONE || pkt->icmp_error || pkt->ttl <= 1)
		return true;
	if ((pkt->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN)
		return true;
	return (port->flags & SL_PORT_XDP_NO_TCP) && SL_PROTO(pkt) == IPPROTO_TCP;
}

static __always_inline enum sl_verdict sl_fast_path(struct xdp_md *ctx, const struct sl_port *port,
						    struct sl_packet *pkt, struct sl_hop *hop)
{
	struct ethhdr *eth = ctx_data(ctx);
	struct sl_flow *flow;
	__u32 now;

	if ((void *)(eth + 1) > ctx_data_end(ctx) ||
	    __builtin_memcmp(eth->h_dest, port->mac, ETH_ALEN))
		return SL_PASS;
	if (sl_parse(ctx, pkt) != SL_CONTINUE || sl_needs_full_path(port, pkt))
		return SL_PASS;
	if (pkt->family == AF_INET)
		pkt->k4.domain = port->domain;
	else
		pkt->k6.domain = port->domain;
	flow = sl_flow_find(pkt);
	if (!flow)
		return SL_PASS;
	now = sl_tick_now();
	if (!sl_nexthop_cached(flow, now, hop) && sl_nexthop_ask(ctx, port, pkt, flow, hop))
		return SL_PASS;
	/* Noted now, done if we return XDP_REDIRECT: what can't be sent there stays as it came. */
	if (pkt->l3_len > hop->mtu || ctx_redirect(ctx, hop) != XDP_REDIRECT ||
	    ctx_l4_csum_complete(ctx, pkt))
		return SL_PASS;
	sl_flow_account(flow, pkt, ctx_len(ctx), now);
	return sl_rewrite(ctx, pkt, flow, hop);
}

SEC("xdp.frags")
int sl_xdp(struct xdp_md *ctx)
{
	__u32 ifindex = ctx_ifindex(ctx);
	const struct sl_port *port = sl_port_find(ifindex);
	struct sl_packet pkt = {};
	struct sl_hop hop = {};
	__u32 len;

	if (!port || !(port->flags & SL_PORT_XDP))
		return XDP_PASS;
	len = ctx_len(ctx);
	switch (sl_fast_path(ctx, port, &pkt, &hop)) {
	case SL_FORWARD:
		sl_count_rx(port->id, SL_COUNT_FORWARDED, len);
		sl_count_tx(hop.port, SL_COUNT_FORWARDED, len);
		return XDP_REDIRECT;
	case SL_DROP:
		sl_count_rx(port->id, SL_COUNT_DROPPED, len);
		sl_count_drop(port->id, pkt.reason, len);
		return XDP_DROP;
	default: /* TC counts it */
		return XDP_PASS;
	}
}

char LICENSE[] SEC("license") = "GPL";
