/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes the frame what its flow says it leaves as: addresses, ports, checksums, TTL, MACs. The
 * last stage; everything that can be refused was refused before it.
 */
#ifndef SLUICE_BPF_STAGE_REWRITE_H
#define SLUICE_BPF_STAGE_REWRITE_H

#include "lib/csum.h"
#include "lib/parse.h"

static __always_inline int sl_rewrite_eth(struct sl_ctx *ctx, const struct sl_hop *hop)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return -1;
	sl_macs_copy(eth->h_dest, hop->dmac);
	return 0;
}

/* Addresses and TTL with the header checksum. addr_diff: what it adds to an L4 sum. */
static __always_inline int sl_rewrite_ip4(struct sl_ctx *ctx, const struct sl_packet *pkt,
					  __be32 saddr, __be32 daddr, __u64 *addr_diff)
{
	struct iphdr *ip = ctx_data(ctx) + (pkt->l3_off & SL_L3_OFF_MASK);
	__be16 *ttl_word; /* TTL and protocol */
	__be16 old, new;

	if ((void *)(ip + 1) > ctx_data_end(ctx))
		return -1;
	*addr_diff = sl_csum_diff32(ip->saddr, saddr, ip->daddr, daddr);
	ttl_word = (__be16 *)&ip->ttl;
	old = *ttl_word;
	new = old - bpf_htons(0x0100);
	*ttl_word = new;
	ip->check = sl_csum_update(ip->check, *addr_diff + sl_csum_diff16(old, new, 0, 0));
	ip->saddr = saddr;
	ip->daddr = daddr;
	return 0;
}

/* The ports, or the echo identifier; port_diff: what it adds to an L4 sum, below 2^33. */
static __always_inline int sl_rewrite_ports(struct sl_ctx *ctx, const struct sl_packet *pkt,
					    const struct sl_flow *flow, __u64 *port_diff)
{
	void *l4 = ctx_data(ctx) + (pkt->l4_off & SL_L4_OFF_MASK);

	if (pkt->k4.proto == IPPROTO_ICMP) {
		struct icmphdr *icmp = l4;
		__be16 id = sl_icmp_is_request(pkt) ? flow->sport : flow->dport;

		if ((void *)(icmp + 1) > ctx_data_end(ctx))
			return -1;
		*port_diff = sl_csum_diff16(icmp->un.echo.id, id, 0, 0);
		icmp->un.echo.id = id;
	} else {
		sl_half_word *ports = l4; /* both at once, as the flow has them */
		const sl_half_word *new = (const void *)&flow->sport;

		if ((void *)(ports + 1) > ctx_data_end(ctx))
			return -1;
		*port_diff = sl_csum_diff32(*ports, *new, 0, 0);
		*ports = *new;
	}
	return 0;
}

static __always_inline int sl_rewrite_l4_csum(struct sl_ctx *ctx, const struct sl_packet *pkt,
					      __u64 addr_diff, __u64 port_diff)
{
	switch (pkt->k4.proto) {
	case IPPROTO_TCP:
		return ctx_l4_csum_replace(ctx, pkt, pkt->l4_off + offsetof(struct tcphdr, check),
					   addr_diff, port_diff, false);
	case IPPROTO_UDP:
		return ctx_l4_csum_replace(ctx, pkt, pkt->l4_off + offsetof(struct udphdr, check),
					   addr_diff, port_diff, true);
	default: /* ICMP has no pseudo-header: RFC 792 */
		return ctx_l4_csum_replace(ctx, pkt,
					   pkt->l4_off + offsetof(struct icmphdr, checksum), 0,
					   port_diff, false);
	}
}

static __always_inline int sl_rewrite4(struct sl_ctx *ctx, const struct sl_packet *pkt,
				       const struct sl_flow *flow)
{
	__u64 addr_diff = 0, port_diff = 0;
	int err;

	err = sl_rewrite_ip4(ctx, pkt, flow->saddr, flow->daddr, &addr_diff);
	if (err || !(flow->flags & (SL_FLOW_SNAT | SL_FLOW_DNAT)) || pkt->fragment == SL_FRAG_LATER)
		return err;
	err = sl_rewrite_ports(ctx, pkt, flow, &port_diff);
	return err ?: sl_rewrite_l4_csum(ctx, pkt, addr_diff, port_diff);
}

static __always_inline int sl_rewrite6(struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	return ctx_store_hop_limit(ctx, pkt->l3_off + offsetof(struct ipv6hdr, hop_limit),
				   pkt->ttl - 1);
}

static __always_inline enum sl_verdict sl_rewrite(struct sl_ctx *ctx, struct sl_packet *pkt,
						  const struct sl_flow *flow,
						  const struct sl_hop *hop)
{
	int err = sl_rewrite_eth(ctx, hop);

	if (!err)
		err = pkt->family == AF_INET ? sl_rewrite4(ctx, pkt, flow) : sl_rewrite6(ctx, pkt);
	if (likely(!err))
		return SL_FORWARD;
	pkt->reason = SL_DROP_REWRITE_FAILED;
	return SL_DROP;
}

#endif
