/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way out of a flow comes from the host's own FIB and neighbour table, which is asked at most
 * once every sl_settings.nexthop_ttl for each flow and remembered in between. A look-up for every
 * packet would cost XDP a third of its speed. With many flows of few packets each, every packet
 * would ask: so a flow trusts for longer what the kernel goes on answering to others of the same
 * gateway.
 */
#ifndef SLUICE_BPF_ROUTE_NEXTHOP_H
#define SLUICE_BPF_ROUTE_NEXTHOP_H

#include "lib/fib.h"
#include "lib/nexthop_ref.h"
#include "lib/packet.h"
#include "lib/port.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "flow/end.h"
#include "lib/fdb.h"
#include "nat/nat.h"
#include "route/source.h"
#include "maps/work.h"

/* What the kernel's routes say of a packet's way out. */
enum sl_way {
	/* These two have the numbers of the kernel, for the compiler: */
	SL_WAY_KNOWN = BPF_FIB_LKUP_RET_SUCCESS, /* the hop is complete */
	SL_WAY_NO_MAC =
	    BPF_FIB_LKUP_RET_NO_NEIGH, /* the hop names the gateway, whose MAC is not known yet */
	SL_WAY_NONE = 0x100,	       /* there is none that is ours to take */
	SL_WAY_MOVED,		       /* it is not the port's that the flow left by before */
	SL_WAY_NOT_BACK, /* answers have no route by the uplink that their session came in by */
};

struct sl_route {
	union sl_addr saddr, daddr; /* as the packet came; as it will be delivered */
	__u32 in_ifindex;
	__u32 out_ifindex; /* the only way out there may be; 0 = whichever the routes say */
	__be16 dport;	   /* as it will be delivered */
};

/*
 * Chooses the slot of an answer. The secret is in it: a VM names its MAC itself, and might choose
 * one that puts the gateway out.
 */
static __always_inline __u32 sl_nexthop_slot(const struct sl_hop *hop)
{
	const struct sl_settings *settings = sl_settings_now();
	sl_word words[] = {sl_mac_number(hop->dmac), (__u64)hop->mtu << 32 | hop->ifindex};

	return settings ? sl_hash(words, 2, &settings->flow_seed) & (SL_NEXTHOP_SLOTS - 1) : 0;
}

/*
 * Finds the port behind which a station of a VLAN is, and its MTU: id << 16 | MTU. 0: it is not
 * known. Global: the verifier looks once.
 */
__noinline __u32 sl_station(__u32 vid, __u64 mac)
{
	const struct sl_fdb *entry = sl_fdb_entry(sl_fdb_key(mac, vid));
	const struct sl_switch_port *out = entry ? sl_switch_port_of(entry->port) : NULL;

	return out && out->ifindex ? (__u32)entry->port << 16 | (out->mtu & 0xffff) : 0;
}

/*
 * Makes the MTU that of the port behind which the VM is: so the sender of too much is told, which
 * the switch would not do.
 */
static __always_inline void sl_hop_station(__u32 vid, struct sl_hop *hop)
{
	__u32 station = sl_station(vid, sl_mac_number(hop->dmac));

	hop->station = station >> 16;
	if (station && (station & 0xffff) < hop->mtu)
		hop->mtu = station & 0xffff;
}

static __always_inline void sl_fib_addrs(struct bpf_fib_lookup *fib, const struct sl_route *route)
{
	if (fib->family == AF_INET) {
		fib->ipv4_src = route->saddr.w[3];
		fib->ipv4_dst = route->daddr.w[3];
	} else {
		__builtin_memcpy(fib->ipv6_src, &route->saddr, sizeof(fib->ipv6_src));
		__builtin_memcpy(fib->ipv6_dst, &route->daddr, sizeof(fib->ipv6_dst));
	}
}

/* Asks the kernel for the way out. *hop is set with SL_WAY_KNOWN and SL_WAY_NO_MAC alone. */
static __always_inline enum sl_way sl_fib(struct sl_ctx *ctx, const struct sl_packet *pkt,
					  const struct sl_route *route, struct sl_hop *hop)
{
	struct bpf_fib_lookup fib = {
	    .family = pkt->family,
	    .ifindex = route->out_ifindex ?: route->in_ifindex,
	    .tot_len = SL_FIB_PROBE_LEN,
	};
	const struct sl_port *out;
	bool in_vlan;
	int err;

	sl_fib_addrs(&fib, route);
	sl_fib_selectors(&fib, pkt, route->dport);
	err = ctx_fib_lookup(ctx, &fib, route->out_ifindex ? BPF_FIB_LOOKUP_OUTPUT : 0);
	if (!sl_fib_found(err))
		return SL_WAY_NONE;
	out = sl_port_find(fib.ifindex);
	if (!out || (out->flags & SL_PORT_SWITCHED)) /* a VLAN is left by its internal port */
		return SL_WAY_NONE;
	in_vlan = out->role == SL_ROLE_SEGMENT && out->domain;
	hop->ifindex = fib.ifindex;
	hop->port = out->id;
	hop->station = in_vlan ? 0 : out->id;
	hop->qos = out->qos;
	hop->mtu = err ? out->mtu : fib.mtu_result;
	hop->gateway_family = fib.family; /* the kernel replaced the destination by the gateway */
	if (fib.family == AF_INET)
		hop->gateway.w[0] = fib.ipv4_dst;
	else
		__builtin_memcpy(&hop->gateway, fib.ipv6_dst, sizeof(hop->gateway));
	if (err)
		return SL_WAY_NO_MAC;
	__builtin_memcpy(hop->dmac, fib.dmac, ETH_ALEN);
	__builtin_memcpy(hop->smac, fib.smac, ETH_ALEN);
	if (in_vlan)
		sl_hop_station(out->domain, hop);
	return SL_WAY_KNOWN;
}

/* Is the way out known, if perhaps not the MAC of the neighbour? */
static __always_inline bool sl_way_found(enum sl_way way)
{
	return way == SL_WAY_KNOWN || way == SL_WAY_NO_MAC;
}

static __always_inline bool sl_nexthop_is(const struct sl_nexthop *slot, const struct sl_hop *hop)
{
	return slot->out_ifindex == hop->ifindex && slot->mtu == hop->mtu &&
	       slot->out_port == hop->port && slot->out_qos == hop->qos &&
	       !__builtin_memcmp(slot->dmac, hop->dmac, ETH_ALEN) &&
	       !__builtin_memcmp(slot->smac, hop->smac, ETH_ALEN);
}

/*
 * Remembers an answer and lets the flow refer to it. The content changes only between an odd gen
 * and the next even one; whoever finds another writer at work leaves the slot alone. That gen comes
 * round after 2^14 changes does no harm: a flow trusts it for nexthop_ttl only.
 */
static __always_inline void sl_nexthop_store(const struct sl_hop *hop, const struct sl_packet *pkt,
					     struct sl_flow *flow)
{
	__u32 gen, index = sl_nexthop_slot(hop), now = sl_tick_now();
	struct sl_nexthop *slot = bpf_map_lookup_elem(&sl_nexthops, &index);

	if (!slot)
		return;
	gen = READ_ONCE(slot->gen);
	if (gen & 1)
		return;
	if (!gen || !sl_nexthop_is(slot, hop)) {
		if (__sync_val_compare_and_swap(&slot->gen, gen, gen + 1) != gen)
			return;
		slot->out_ifindex = hop->ifindex;
		sl_macs_copy(slot->dmac, hop->dmac);
		slot->mtu = hop->mtu;
		slot->out_port = hop->port;
		slot->out_qos = hop->qos;
		gen = (gen + 2) % (2u << SL_NEXTHOP_GEN_BITS) ?: 2;
		__sync_lock_test_and_set(&slot->gen, gen);
	}
	if (slot->checked != now)
		WRITE_ONCE(slot->checked, now);
	flow->nh_checked = now;
	sl_nexthop_refer(flow, (struct sl_nexthop_ref){
				   .slot = index, .gen = gen / 2, .dscp = sl_packet_dscp(pkt)});
}

/*
 * Is the answer that the flow remembers still to be trusted? nh_checked comes round every 68 s, so
 * a flow that was silent for longer than the answer is good for always asks.
 */
static __always_inline bool sl_nexthop_trusted(const struct sl_flow *flow,
					       const struct sl_nexthop *slot, __u32 now, __u32 ttl)
{
	__u32 silent = now - flow->last_seen;
	__u16 age = now - flow->nh_checked;

	if (likely(age < ttl && silent < ttl))
		return true;
	return age < SL_NEXTHOP_SHARED * ttl && silent < SL_NEXTHOP_SHARED * ttl &&
	       now - READ_ONCE(slot->checked) < ttl;
}

/* Reads the remembered answer, if it is that for this packet of the flow and to be trusted. */
static __always_inline bool sl_nexthop_cached(const struct sl_flow *flow,
					      const struct sl_packet *pkt,
					      const struct sl_settings *settings, __u32 now,
					      struct sl_hop *hop)
{
	struct sl_nexthop_ref ref = sl_nexthop_ref_of(flow);
	const struct sl_nexthop *slot = sl_nexthop_referred(ref);

	if (!slot || ref.dscp != sl_packet_dscp(pkt) ||
	    !sl_nexthop_trusted(flow, slot, now, settings->nexthop_ttl))
		return false;
	hop->ifindex = slot->out_ifindex;
	hop->port = slot->out_port;
	hop->qos = slot->out_qos;
	hop->mtu = slot->mtu;
	sl_macs_copy(hop->dmac, slot->dmac);
	barrier();
	return sl_nexthop_holds(slot, ref);
}

/* Does the flow leave by another port than it did when the kernel was last asked? */
static __always_inline bool sl_nexthop_moved(const struct sl_flow *flow, const struct sl_hop *hop)
{
	const struct sl_nexthop *slot = sl_nexthop_referred(sl_nexthop_ref_of(flow));

	return !slot || slot->out_port != hop->port;
}

/*
 * Finds the only interface by which packets of the entry with this key may leave; 0: whichever the
 * routes say. Answers go back into the VLAN that they are awaited in, since the same addresses may
 * be in use in another one. What leaves with an uplink's address goes by that uplink, or if the
 * address is nobody's by the one that its session came in by. Global: the verifier looks once.
 */
__noinline __u32 sl_way_back(__u32 family, const union sl_key *key, const struct sl_flow *flow)
{
	const struct sl_forward *forward;
	const struct sl_flow *opener;
	const struct sl_vlan *vlan;
	const struct sl_port *in, *owner;
	__u32 vid, zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);

	if (!work || !key || !flow || (flow->flags & SL_FLOW_ORIG))
		return 0;
	vid = flow->out_domain;
	vlan = bpf_map_lookup_elem(&sl_vlans, &vid);
	if (vlan && vlan->l3_ifindex)
		return vlan->l3_ifindex;
	if (!(flow->flags & SL_FLOW_DNAT))
		return 0;
	sl_reverse_key(family, key, flow, &work->back);
	opener = sl_flow_get(family, &work->back);
	in = opener ? sl_port_of_id(opener->in_port) : NULL;
	if (!in || in->role != SL_ROLE_UPLINK)
		return 0;
	forward = sl_forward_of(&work->back.v4);
	owner = forward ? sl_port_find(forward->uplink) : NULL;
	return owner && owner->role == SL_ROLE_UPLINK ? owner->l3_ifindex : in->l3_ifindex;
}

/*
 * Asks the kernel anew for an established flow. On TC the packet then goes by the kernel's
 * neighbour code, which so learns that the neighbour is in use and probes it in time. With
 * SL_WAY_MOVED, which only the flow that opened its session can get, nothing is decided yet about
 * the other port. Global: the verifier looks once.
 */
__noinline enum sl_way sl_nexthop_ask(struct sl_ctx *ctx, const struct sl_port *port,
				      const struct sl_packet *pkt, struct sl_flow *flow,
				      struct sl_hop *hop)
{
	struct sl_route route = {};
	enum sl_way way;

	if (!port || !pkt || !flow || !hop)
		return SL_WAY_NONE;
	route.in_ifindex = port->l3_ifindex;
	route.out_ifindex = sl_way_back(pkt->family, &pkt->key, flow);
	route.dport = flow->dport;
	sl_packet_addrs(pkt, &route.saddr, &route.daddr);
	if (pkt->family == AF_INET) {
		route.daddr = sl_mapped(flow->daddr);
		if (route.out_ifindex) /* rules by source know the host's own address, not the VM's
					*/
			route.saddr = sl_mapped(flow->saddr);
	}
	way = sl_fib(ctx, pkt, &route, hop);
	if (!sl_way_found(way))
		return route.out_ifindex ? SL_WAY_NOT_BACK : way;
	if ((flow->flags & SL_FLOW_ORIG) && sl_nexthop_moved(flow, hop))
		return SL_WAY_MOVED;
	if (way == SL_WAY_KNOWN)
		sl_nexthop_store(hop, pkt, flow);
	return way;
}

#endif
