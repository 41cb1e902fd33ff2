/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This makes the frame what its flow says it leaves as: addresses, ports, checksums, TTL, MACs. It
 * is the last stage: everything that can be refused was refused before it.
 */
#ifndef SLUICE_BPF_ROUTE_REWRITE_H
#define SLUICE_BPF_ROUTE_REWRITE_H

#include "lib/csum.h"
#include "lib/parse.h"

/*
 * Rewrites the MACs, and addresses and TTL with the header checksum. Frames with tags do not come
 * here.
 * @param addr_diff what the change adds to an L4 sum
 */
static __always_inline int sl_rewrite_head4(struct sl_ctx *ctx, const struct sl_hop *hop,
					    __be32 saddr, __be32 daddr, __u64 *addr_diff)
{
	struct ethhdr *eth = ctx_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) > ctx_data_end(ctx))
		return -1;
	sl_macs_copy(eth->h_dest, hop->dmac);
	*addr_diff = sl_csum_diff32(ip->saddr, saddr, ip->daddr, daddr);
	ip->ttl--;
	ip->check = sl_csum_update(ip->check, *addr_diff + SL_CSUM_TTL_LESS);
	ip->saddr = saddr;
	ip->daddr = daddr;
	return 0;
}

/* Rewrites both ports at once, as the flow has them, and the checksum in this field behind them. */
static __always_inline int sl_rewrite_ports(struct sl_ctx *ctx, const struct sl_packet *pkt,
					    void *l4, __u32 field, const struct sl_flow *flow,
					    __u64 addr_diff)
{
	__u32 old, new = *(const sl_half_word *)&flow->sport;
	sl_half_word *ports = l4;

	if (l4 + field + sizeof(__u16) > ctx_data_end(ctx))
		return -1;
	old = *ports;
	*ports = new;
	return ctx_l4_csum_replace(ctx, pkt, l4, field, addr_diff, sl_csum_diff32(old, new, 0, 0));
}

/* Rewrites the echo identifier. The checksum has no pseudo-header: RFC 792. */
static __always_inline int sl_rewrite_icmp(struct sl_ctx *ctx, const struct sl_packet *pkt,
					   struct icmphdr *icmp, const struct sl_flow *flow)
{
	__be16 new = sl_icmp_is_request(pkt) ? flow->sport : flow->dport, old;

	if ((void *)(icmp + 1) > ctx_data_end(ctx))
		return -1;
	old = icmp->un.echo.id;
	icmp->un.echo.id = new;
	return ctx_l4_csum_replace(ctx, pkt, icmp, offsetof(struct icmphdr, checksum), 0,
				   sl_csum_diff16(old, new, 0, 0));
}

static __always_inline int sl_rewrite4(struct sl_ctx *ctx, const struct sl_packet *pkt,
				       const struct sl_flow *flow, const struct sl_hop *hop)
{
	__u64 addr_diff = 0;
	void *l4;

	if (sl_rewrite_head4(ctx, hop, flow->saddr, flow->daddr, &addr_diff))
		return -1;
	if (!sl_is_translated(flow) || pkt->fragment == SL_FRAG_LATER)
		return 0;
	l4 = ctx_data(ctx) + (pkt->l4_off & SL_L4_OFF_MASK);
	switch (pkt->proto) {
	case IPPROTO_TCP:
		return sl_rewrite_ports(ctx, pkt, l4, offsetof(struct tcphdr, check), flow,
					addr_diff);
	case IPPROTO_UDP:
		return sl_rewrite_ports(ctx, pkt, l4, offsetof(struct udphdr, check), flow,
					addr_diff);
	default:
		return sl_rewrite_icmp(ctx, pkt, l4, flow);
	}
}

static __always_inline int sl_rewrite6(struct sl_ctx *ctx, const struct sl_packet *pkt,
				       const struct sl_hop *hop)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return -1;
	sl_macs_copy(eth->h_dest, hop->dmac);
	return ctx_store_hop_limit(ctx, pkt->l3_off + offsetof(struct ipv6hdr, hop_limit),
				   pkt->ttl - 1);
}

static __always_inline enum sl_verdict sl_rewrite(struct sl_ctx *ctx, struct sl_packet *pkt,
						  const struct sl_flow *flow,
						  const struct sl_hop *hop)
{
	int err =
	    pkt->family == AF_INET ? sl_rewrite4(ctx, pkt, flow, hop) : sl_rewrite6(ctx, pkt, hop);

	if (likely(!err))
		return SL_FORWARD;
	pkt->reason = SL_DROP_REWRITE_FAILED;
	return SL_DROP;
}

#endif
