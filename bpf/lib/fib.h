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

/* Asks for the way of a packet as it is, or for the way back to its sender. */
static __always_inline void sl_fib_of(struct bpf_fib_lookup *fib, const struct sl_packet *pkt,
				      bool back)
{
	fib->family = pkt->family;
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
