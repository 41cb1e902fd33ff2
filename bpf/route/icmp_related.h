/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors about a translated session are translated as well (RFC 5508 section 4, RFC 5382
 * REQ-9). The error quotes a packet of the session as it was on the error's side of the
 * translation; the receiver must find its own. The session is the one whose answering flow has the
 * quoted tuple turned round. Who could not send an answer of it has nothing to say about it.
 */
#ifndef SLUICE_BPF_ROUTE_ICMP_RELATED_H
#define SLUICE_BPF_ROUTE_ICMP_RELATED_H

#include "lib/csum.h"
#include "lib/parse.h"
#include "flow/flow.h"
#include "route/icmp_quote.h"
#include "route/leave.h"
#include "route/nexthop.h"
#include "route/rewrite.h"
#include "maps/work.h"

/* What an error quotes at least (RFC 792). Only the ports of the L4 header are sure to be there. */
struct sl_quoted {
	struct iphdr ip;
	struct sl_ports_header ports;
};

/*
 * Reads the quote, and makes the key of its answers. False: it is not of a kind that is translated.
 * Unlike sl_quote_key4() it needs no more of the L4 header than the ports, but a plain IP header,
 * since the quote is rewritten.
 */
static __always_inline bool sl_quote_translated(struct __sk_buff *ctx, const struct sl_packet *pkt,
						struct sl_quoted *quoted, struct sl_key4 *key)
{
	__u32 off = pkt->l4_off + sizeof(struct icmphdr);
	struct icmphdr icmp;

	if (!sl_in_packet(pkt, off, sizeof(*quoted)) ||
	    bpf_skb_load_bytes(ctx, off, quoted, sizeof(*quoted)) || quoted->ip.ihl != 5)
		return false;
	sl_quote_begin4(&quoted->ip, pkt->k4.domain, key);
	switch (quoted->ip.protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		key->sport = quoted->ports.dport;
		key->dport = quoted->ports.sport;
		return true;
	case IPPROTO_ICMP:
		off += sizeof(struct iphdr);
		if (!sl_in_packet(pkt, off, sizeof(icmp)) ||
		    bpf_skb_load_bytes(ctx, off, &icmp, sizeof(icmp)))
			return false;
		if (icmp.type == ICMP_ECHO)
			key->dport = icmp.un.echo.id;
		else if (icmp.type == ICMP_ECHOREPLY)
			key->sport = icmp.un.echo.id;
		else
			return false;
		return true;
	default:
		return false;
	}
}

/* Stores a 16-bit field of the frame. */
static __always_inline int sl_store16(struct __sk_buff *ctx, __u32 off, __u16 value)
{
	return bpf_skb_store_bytes(ctx, off, &value, sizeof(value), 0);
}

/*
 * Rewrites the L4 header of the quote. The quoted checksum is mended where it is in the quote: 8
 * bytes of TCP have none.
 * @param icmp_diff what the change adds to the sum of the outer ICMP message
 */
static __always_inline int sl_related_l4(struct __sk_buff *ctx, const struct sl_packet *pkt,
					 const struct sl_quoted *quoted, const struct sl_flow *flow,
					 __u32 off, __u32 addr_diff, __u32 *icmp_diff)
{
	__u8 proto = quoted->ip.protocol;
	__be16 old_id, new_id;
	__u16 check, mended;
	__u32 check_off, diff;

	if (proto == IPPROTO_ICMP) { /* its own checksum makes up for its identifier */
		new_id = flow->dport ?: flow->sport;
		if (bpf_skb_load_bytes(ctx, off + 4, &old_id, sizeof(old_id)) ||
		    bpf_skb_load_bytes(ctx, off + 2, &check, sizeof(check)))
			return -1;
		diff = sl_csum_diff16(old_id, new_id, 0, 0);
		return sl_store16(ctx, off + 4, new_id)
			   ?: sl_store16(ctx, off + 2, sl_csum_update(check, diff));
	}
	diff = sl_csum_diff16(quoted->ports.sport, flow->dport, quoted->ports.dport, flow->sport);
	if (sl_store16(ctx, off, flow->dport) || sl_store16(ctx, off + 2, flow->sport))
		return -1;
	*icmp_diff = diff;
	check_off = off + (proto == IPPROTO_TCP ? offsetof(struct tcphdr, check)
						: offsetof(struct udphdr, check));
	if (!sl_in_packet(pkt, check_off, sizeof(check)) ||
	    bpf_skb_load_bytes(ctx, check_off, &check, sizeof(check)))
		return 0;
	if (proto == IPPROTO_UDP && !check)
		return 0;
	mended = sl_csum_update(check, (__u64)addr_diff + diff);
	*icmp_diff = sl_csum_fold64((__u64)diff + sl_csum_diff16(check, mended, 0, 0));
	return sl_store16(ctx, check_off, mended);
}

/* Rewrites the IP header of the quote. Its checksum makes up for its addresses: no outer change. */
static __always_inline int sl_related_ip(struct __sk_buff *ctx, struct sl_quoted *quoted,
					 const struct sl_flow *flow, __u32 off, __u32 *addr_diff)
{
	struct iphdr ip = quoted->ip;

	*addr_diff = sl_csum_fold64(sl_csum_diff32(ip.saddr, flow->daddr, ip.daddr, flow->saddr));
	ip.check = sl_csum_update(ip.check, *addr_diff);
	ip.saddr = flow->daddr;
	ip.daddr = flow->saddr;
	return bpf_skb_store_bytes(ctx, off, &ip, sizeof(ip), 0);
}

/* Mends the message around the quote. */
static __always_inline int sl_related_icmp(struct __sk_buff *ctx, const struct sl_packet *pkt,
					   __u32 diff)
{
	struct icmphdr *icmp = ctx_data(ctx) + (pkt->l4_off & SL_L4_OFF_MASK);

	if ((void *)(icmp + 1) > ctx_data_end(ctx))
		return -1;
	return ctx_l4_csum_replace(ctx, pkt, icmp, offsetof(struct icmphdr, checksum), 0, diff);
}

/* May the error leave with its sender's address? SL_CONTINUE, or SL_DROP with pkt->reason. */
static __always_inline enum sl_verdict sl_error_as_it_is(struct sl_work *work,
							 const struct sl_hop *hop)
{
	const struct sl_port *out = sl_port_find(hop->ifindex);

	if (work->overlaps)
		return sl_refuse(&work->pkt, SL_DROP_SOURCE);
	if (out && out->role == SL_ROLE_UPLINK && sl_nat_hidden(out->ifindex, work->pkt.k4.saddr))
		return sl_refuse(&work->pkt, SL_DROP_UNTRANSLATED);
	return SL_CONTINUE;
}

/*
 * Translates the error and leaves its way out in work->hop. The outer source becomes the session's
 * if the error comes from inside: no inside address leaves. SL_CONTINUE: it is not about a session
 * of ours.
 */
static __noinline enum sl_verdict sl_icmp_related(struct __sk_buff *ctx, const struct sl_port *port,
						  struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_route route = {.in_ifindex = port->l3_ifindex};
	__u32 quote_off = pkt->l4_off + sizeof(struct icmphdr);
	__u32 addr_diff, icmp_diff = 0;
	__u64 outer_diff;
	struct sl_hop *hop = &work->hop;
	union sl_key *key = &work->other;
	const struct sl_flow *flow;
	struct sl_quoted quoted;
	__be32 source;
	enum sl_way way;

	if (pkt->family != AF_INET || !sl_quote_translated(ctx, pkt, &quoted, &key->v4))
		return SL_CONTINUE;
	flow = sl_flow_get(AF_INET, key);
	if (!flow || !sl_is_translated(flow))
		return SL_CONTINUE;
	/* Whether a session from before the rules in force stands, its next packet decides. */
	if (pkt->k4.daddr != key->v4.daddr || !sl_comes_from(flow, port->id) || sl_rules_old(flow))
		return sl_refuse(pkt, SL_DROP_ICMP_UNRELATED);
	route.saddr = sl_mapped(pkt->k4.saddr);
	route.daddr = sl_mapped(flow->daddr);
	route.out_ifindex = sl_way_back(AF_INET, key, flow);
	way = sl_fib(ctx, pkt, &route, hop);
	if (!sl_way_found(way))
		return SL_PASS;
	hop->neigh = way == SL_WAY_NO_MAC;
	if (flow->saddr == key->v4.saddr && sl_error_as_it_is(work, hop) != SL_CONTINUE)
		return SL_DROP;
	if (sl_may_leave(ctx, pkt, hop) != SL_CONTINUE)
		return SL_DROP;

	source = flow->saddr != key->v4.saddr ? flow->saddr : pkt->k4.saddr;
	pkt->reason = SL_DROP_REWRITE_FAILED;
	if (sl_related_ip(ctx, &quoted, flow, quote_off, &addr_diff) ||
	    sl_related_l4(ctx, pkt, &quoted, flow, quote_off + sizeof(struct iphdr), addr_diff,
			  &icmp_diff) ||
	    sl_related_icmp(ctx, pkt, icmp_diff) ||
	    sl_rewrite_head4(ctx, hop, source, flow->daddr, &outer_diff))
		return SL_DROP;
	return SL_FORWARD;
}

#endif
