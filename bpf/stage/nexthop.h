/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way out of a flow: the host's own FIB and neighbour table, asked at most once every
 * sl_settings.nexthop_ttl for each question and remembered in between. A look-up for every packet
 * would cost XDP a third of its speed.
 */
#ifndef SLUICE_BPF_STAGE_NEXTHOP_H
#define SLUICE_BPF_STAGE_NEXTHOP_H

#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"

/* The shortest packet there is: makes the kernel report the route's MTU and refuse none. */
#define SL_FIB_PROBE_LEN 20

struct sl_route {
	union sl_addr saddr, daddr; /* as the packet came; as it will be delivered */
	__u32 in_ifindex;
};

static __always_inline __u16 sl_nexthop_slot(const struct sl_route *route)
{
	__u32 h = route->in_ifindex;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		h = (h ^ route->saddr.w[i]) * 0x9e3779b1u; /* 2^32 / the golden ratio */
		h = (h ^ (h >> 15) ^ route->daddr.w[i]) * 0x85ebca6bu;
	}
	return (h ^ (h >> 16)) & (SL_NEXTHOP_SLOTS - 1);
}

/*
 * Asks the kernel. 0: *hop is complete. BPF_FIB_LKUP_RET_NO_NEIGH: known but for the MAC, *hop
 * names the gateway. Anything else: no way out that is ours to take.
 */
static __always_inline int sl_fib(struct sl_ctx *ctx, __u8 family, const struct sl_route *route,
				  struct sl_hop *hop)
{
	struct bpf_fib_lookup fib = {
	    .family = family,
	    .ifindex = route->in_ifindex,
	    .tot_len = SL_FIB_PROBE_LEN,
	};
	struct sl_port *out;
	int err;

	if (family == AF_INET) {
		fib.ipv4_src = route->saddr.w[3];
		fib.ipv4_dst = route->daddr.w[3];
	} else {
		__builtin_memcpy(fib.ipv6_src, &route->saddr, sizeof(fib.ipv6_src));
		__builtin_memcpy(fib.ipv6_dst, &route->daddr, sizeof(fib.ipv6_dst));
	}
	err = ctx_fib_lookup(ctx, &fib);
	if (err != BPF_FIB_LKUP_RET_SUCCESS && err != BPF_FIB_LKUP_RET_NO_NEIGH)
		return err ?: -1;
	out = bpf_map_lookup_elem(&sl_ports, &fib.ifindex);
	if (!out)
		return -1;
	hop->ifindex = fib.ifindex;
	hop->port = out->id;
	hop->mtu = err ? out->mtu : fib.mtu_result;
	hop->gateway_family = fib.family; /* the kernel replaced the destination by the gateway */
	if (fib.family == AF_INET)
		hop->gateway.w[0] = fib.ipv4_dst;
	else
		__builtin_memcpy(&hop->gateway, fib.ipv6_dst, sizeof(hop->gateway));
	if (err)
		return err;
	__builtin_memcpy(hop->dmac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(hop->smac, fib.smac, ETH_ALEN);
	return 0;
}

static __always_inline bool sl_nexthop_is(const struct sl_nexthop *slot,
					  const struct sl_route *route, const struct sl_hop *hop)
{
	return slot->out_ifindex == hop->ifindex && slot->in_ifindex == route->in_ifindex &&
	       slot->mtu == hop->mtu && slot->out_port == hop->port &&
	       !__builtin_memcmp(slot->dmac, hop->dmac, ETH_ALEN) &&
	       !__builtin_memcmp(slot->smac, hop->smac, ETH_ALEN) &&
	       sl_addr_equal(&slot->saddr, &route->saddr) &&
	       sl_addr_equal(&slot->daddr, &route->daddr);
}

/*
 * Remembers an answer and lets the flow refer to it. The content changes only between an odd gen
 * and the next even one; whoever finds another writer at work leaves the slot alone.
 */
static __always_inline void sl_nexthop_store(const struct sl_route *route, const struct sl_hop *hop,
					     struct sl_flow *flow)
{
	__u32 gen, now = sl_tick_now(), index = sl_nexthop_slot(route);
	struct sl_nexthop *slot = bpf_map_lookup_elem(&sl_nexthops, &index);

	if (!slot)
		return;
	gen = READ_ONCE(slot->gen);
	if (gen && !(gen & 1) && sl_nexthop_is(slot, route, hop)) {
		WRITE_ONCE(slot->checked, now);
	} else {
		if ((gen & 1) || __sync_val_compare_and_swap(&slot->gen, gen, gen + 1) != gen)
			return;
		slot->checked = now;
		slot->saddr = route->saddr;
		slot->daddr = route->daddr;
		slot->in_ifindex = route->in_ifindex;
		slot->out_ifindex = hop->ifindex;
		__builtin_memcpy(slot->dmac, hop->dmac, ETH_ALEN);
		__builtin_memcpy(slot->smac, hop->smac, ETH_ALEN);
		slot->mtu = hop->mtu;
		slot->out_port = hop->port;
		gen += 2;
		if (!gen) /* 0 is what a flow has that was never resolved */
			gen = 2;
		__sync_lock_test_and_set(&slot->gen, gen);
	}
	flow->nh_slot = index;
	WRITE_ONCE(flow->nh_gen, gen);
}

/* The remembered answer, if it is this flow's and still to be trusted. */
static __always_inline bool sl_nexthop_cached(const struct sl_flow *flow, __u32 now,
					      struct sl_hop *hop)
{
	__u32 index = flow->nh_slot, zero = 0;
	struct sl_nexthop *slot = bpf_map_lookup_elem(&sl_nexthops, &index);
	struct sl_settings *settings = bpf_map_lookup_elem(&sl_settings, &zero);
	__u32 gen = READ_ONCE(flow->nh_gen);

	if (!slot || !settings || !gen || READ_ONCE(slot->gen) != gen ||
	    now - READ_ONCE(slot->checked) >= settings->nexthop_ttl)
		return false;
	hop->ifindex = slot->out_ifindex;
	hop->port = slot->out_port;
	hop->mtu = slot->mtu;
	__builtin_memcpy(hop->dmac, slot->dmac, ETH_ALEN);
	__builtin_memcpy(hop->smac, slot->smac, ETH_ALEN);
	barrier();
	return READ_ONCE(slot->gen) == gen;
}

/*
 * Asks anew for an established flow. On TC the packet goes by the kernel's neighbour code, which
 * so learns that the neighbour is in use and probes it in time.
 */
static __noinline int sl_nexthop_ask(struct sl_ctx *ctx, const struct sl_port *port,
				     const struct sl_packet *pkt, struct sl_flow *flow,
				     struct sl_hop *hop)
{
	struct sl_route route = {.in_ifindex = port->l3_ifindex};
	int err;

	sl_packet_addrs(pkt, &route.saddr, &route.daddr);
	if (pkt->family == AF_INET)
		route.daddr = sl_mapped(flow->daddr);
	err = sl_fib(ctx, pkt->family, &route, hop);
	if (!err)
		sl_nexthop_store(&route, hop, flow);
	return err;
}

#endif
