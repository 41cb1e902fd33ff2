/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This asks for the kernel's routes, as bpf_fib_lookup() tells them. */
#ifndef SLUICE_BPF_LIB_FIB_H
#define SLUICE_BPF_LIB_FIB_H

#include "lib/packet.h"

/* Has bpf_fib_lookup() found a way, if perhaps not the MAC of the neighbour? */
static __always_inline bool sl_fib_found(int err)
{
	return err == BPF_FIB_LKUP_RET_SUCCESS || err == BPF_FIB_LKUP_RET_NO_NEIGH;
}

#define SL_FLOWINFO_DSCP_SHIFT 22 /* in the first word of an IPv6 header */

/*
 * Says by what else than addresses the host may route the packet (`ip rule`), as its own forwarding
 * would see it.
 * @param dport as the packet will be delivered
 */
static __always_inline void sl_fib_selectors(struct bpf_fib_lookup *fib,
					     const struct sl_packet *pkt, __be16 dport)
{
	if (pkt->family == AF_INET)
		fib->tos = sl_packet_dscp(pkt) << SL_DSCP_SHIFT;
	else
		fib->flowinfo = bpf_htonl((__u32)sl_packet_dscp(pkt) << SL_FLOWINFO_DSCP_SHIFT);
	fib->l4_protocol = pkt->proto;
	if (pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP) {
		fib->sport = pkt->family == AF_INET ? pkt->k4.sport : pkt->k6.sport;
		fib->dport = dport;
	}
}

/* Asks for the way of a packet as it is, or for the way back to its sender. */
static __always_inline void sl_fib_of(struct bpf_fib_lookup *fib, const struct sl_packet *pkt,
				      bool back)
{
	fib->family = pkt->family;
	if (!back)
		sl_fib_selectors(fib, pkt, pkt->family == AF_INET ? pkt->k4.dport : pkt->k6.dport);
	if (pkt->family == AF_INET) {
		fib->ipv4_src = back ? pkt->k4.daddr : pkt->k4.saddr;
		fib->ipv4_dst = back ? pkt->k4.saddr : pkt->k4.daddr;
		return;
	}
	__builtin_memcpy(fib->ipv6_src, back ? &pkt->k6.daddr : &pkt->k6.saddr,
			 sizeof(fib->ipv6_src));
	__builtin_memcpy(fib->ipv6_dst, back ? &pkt->k6.saddr : &pkt->k6.daddr,
			 sizeof(fib->ipv6_dst));
}

/*
 * Does the kernel know of no way by which it could forward to the address from this interface? It
 * says the same of the host's own addresses as of those to which there is no route.
 */
static __always_inline bool sl_fib_is_no_way(struct sl_ctx *ctx, __u32 ifindex,
					     const union sl_addr *addr)
{
	struct bpf_fib_lookup fib = {
	    .family = AF_INET6,
	    .ifindex = ifindex,
	    .tot_len = SL_FIB_PROBE_LEN,
	};

	__builtin_memcpy(fib.ipv6_dst, addr, sizeof(fib.ipv6_dst));
	if (sl_is_mapped(addr)) {
		fib.family = AF_INET;
		fib.ipv4_dst = addr->w[3];
	}
	return ctx_fib_lookup(ctx, &fib, 0) == BPF_FIB_LKUP_RET_NOT_FWDED;
}

#endif
