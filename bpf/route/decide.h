/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A routed session is decided anew when other rules are in force than those it was decided by, when
 * a packet of it comes in by another port, or would leave by another one. It is kept if it would be
 * opened today as it was; else it ends, and its packet is one of no session.
 */
#ifndef SLUICE_BPF_ROUTE_DECIDE_H
#define SLUICE_BPF_ROUTE_DECIDE_H

#include "lib/port.h"
#include "lib/rules.h"
#include "policy/judge.h"
#include "nat/nat.h"
#include "route/nexthop.h"
#include "route/source.h"
#include "maps/work.h"

enum sl_decision {
	SL_DECIDED_KEEP, /* the session goes on */
	SL_DECIDED_END,	 /* it is to end: sl_session_end_of() */
	SL_DECIDED_DROP, /* work->pkt.reason is against the packet */
	SL_DECIDED_PASS, /* the routes give the packet to the kernel */
};

/* Both entries of the session that a packet belongs to, and by which ports it goes. */
struct sl_pair {
	struct sl_flow *flow, *other;	/* of the packet; of the other direction */
	struct sl_flow *opener;		/* one of these */
	const struct sl_port *in, *out; /* of the direction that opened it */
	bool resolved;			/* work->hop is complete */
};

static __always_inline bool sl_pair_find(struct sl_work *work, struct sl_pair *pair)
{
	struct sl_packet *pkt = &work->pkt;

	pair->flow = sl_flow_find(pkt);
	if (!pair->flow)
		return false;
	sl_reverse_key(pkt->family, &pkt->key, pair->flow, &work->other);
	work->other_slot = sl_flow_search_all(pkt->family, &work->other);
	pair->other = sl_flow_at(pkt->family, work->other_slot);
	if (!pair->other)
		return false;
	pair->opener = pair->flow->flags & SL_FLOW_ORIG ? pair->flow : pair->other;
	return true;
}

/* Does the packet's source change on its way? */
static __always_inline bool sl_pair_translates(const struct sl_pair *pair)
{
	return pair->opener->flags & (pair->opener == pair->flow ? SL_FLOW_SNAT : SL_FLOW_DNAT);
}

/*
 * Asks for the way out of a packet that may open a session: as sl_fib(), in work->hop. Global: the
 * verifier looks once, and its stack is not its caller's.
 */
__noinline enum sl_way sl_opener_way(struct sl_ctx *ctx, const struct sl_port *port,
				     const struct sl_flow *flow)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_route route = {};

	if (!work || !port || !flow)
		return SL_WAY_NONE;
	route.in_ifindex = port->l3_ifindex;
	sl_packet_addrs(&work->pkt, &route.saddr, &route.daddr);
	if (work->pkt.family == AF_INET)
		route.daddr = sl_mapped(flow->daddr);
	route.dport = flow->dport;
	return sl_fib(ctx, &work->pkt, &route, &work->hop);
}

/*
 * Finds out by which ports the session goes today. An opening packet goes where the routes say; an
 * answer has come in by where the opening ones leave.
 */
static __always_inline enum sl_decision sl_pair_ports(struct sl_ctx *ctx,
						      const struct sl_port *port,
						      struct sl_work *work, struct sl_pair *pair)
{
	enum sl_way way;

	if (pair->opener != pair->flow) {
		pair->in = sl_port_of_id(pair->opener->in_port);
		pair->out = pair->flow->in_port ? sl_port_of_id(pair->flow->in_port) : port;
		return pair->in && pair->out ? SL_DECIDED_KEEP : SL_DECIDED_END;
	}
	way = sl_opener_way(ctx, port, pair->flow);
	if (!sl_way_found(way))
		return SL_DECIDED_PASS;
	pair->resolved = way == SL_WAY_KNOWN;
	pair->in = port;
	pair->out = sl_port_find(work->hop.ifindex);
	return pair->out ? SL_DECIDED_KEEP : SL_DECIDED_PASS;
}

/* Has the session the external endpoint that this pool would give it? */
static __always_inline bool sl_bound_still(const union sl_key *key, const struct sl_flow *opener,
					   __u32 pool)
{
	struct sl_binding_key bound = sl_binding_key_of(key, pool);
	const struct sl_binding *binding;
	const struct sl_pool *run;
	const union sl_addr *addr;
	__u32 external;

	if (!(opener->flags & SL_FLOW_BOUND) || opener->pool != pool)
		return false;
	binding = bpf_map_lookup_elem(&sl_bindings, &bound);
	run = bpf_map_lookup_elem(&sl_pools, &pool);
	if (!binding || !run || binding->port != opener->sport)
		return false;
	external = binding->external;
	addr = bpf_map_lookup_elem(&sl_externals, &external);
	return addr && addr->w[3] == opener->saddr && external >= run->first &&
	       external < (__u32)run->first + run->count;
}

/*
 * Would the session be translated as it is, and let in? Global: the verifier looks once.
 */
__noinline int sl_translation_stands(const struct sl_port *in, const struct sl_port *out,
				     const union sl_key *opener_key, const struct sl_flow *opener)
{
	const struct sl_forward *forward, *from;
	__u32 uplink, pool = 0;
	union sl_key key;

	if (!in || !out || !opener_key || !opener)
		return false;
	key.v4 = opener_key->v4; /* before Linux 6.2 what is given by pointer can't be a map key */
	forward = sl_forward_of(&key.v4);
	if (forward ? opener->daddr != forward->addr.w[3] || opener->dport != forward->port
		    : opener->flags & SL_FLOW_DNAT)
		return false;
	if (sl_nat_keeps_out(in, forward, key.v4.daddr))
		return false;
	uplink = sl_nat_uplink(in, out, forward);
	from = sl_forward_from(uplink, &key.v4);
	if (from && opener->flags & SL_FLOW_SNAT && opener->saddr == from->addr.w[3] &&
	    opener->sport == from->port)
		return true;
	switch (sl_nat_source_rule(uplink, uplink == out->ifindex, key.v4.saddr, &pool)) {
	case SL_SOURCE_STAYS:
		return !from && !(opener->flags & SL_FLOW_SNAT);
	case SL_SOURCE_POOL:
		return sl_bound_still(&key, opener, pool);
	default:
		return false;
	}
}

/* Writes the kept session down as it is decided now. */
static __always_inline void sl_pair_settle(const struct sl_port *port, const struct sl_work *work,
					   struct sl_pair *pair)
{
	bool is_opener = pair->opener == pair->flow;

	/* A VM may have moved. From outside packets may come by any uplink: answers keep to theirs.
	 */
	if (!pair->flow->in_port || (is_opener && port->role != SL_ROLE_UPLINK))
		pair->flow->in_port = port->id;
	if (is_opener && work->hop.station)
		pair->other->in_port = work->hop.station;
	if (pair->resolved)
		sl_nexthop_store(&work->hop, &work->pkt, pair->flow);
}

/*
 * Decides anew the session that work->pkt belongs to, which has come in by this port. With
 * SL_DECIDED_KEEP work->hop is the way out of what opened the session. Global: the verifier looks
 * once.
 */
__noinline enum sl_decision sl_decide_again(struct sl_ctx *ctx, const struct sl_port *port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	__u16 generation = sl_rules_generation();
	enum sl_decision decision;
	struct sl_pair pair = {};
	enum sl_policy_action action;
	enum sl_kernels kernels;
	enum sl_source source;
	enum sl_drop why;

	if (!work || !port)
		return SL_DECIDED_PASS;
	work->other_slot = SL_FLOW_NOWHERE;
	if (!sl_pair_find(work, &pair) || (pair.opener->flags & SL_FLOW_FLUSH))
		return SL_DECIDED_END;
	kernels = sl_nat_kernels(work->pkt.family,
				 pair.opener == pair.flow ? &work->pkt.k4 : &work->other.v4);
	if (kernels == SL_KERNELS_ALL || (kernels && !sl_is_translated(pair.opener)))
		return SL_DECIDED_END;
	source = sl_source_judge(ctx, port);
	if (source == SL_SOURCE_WRONG ||
	    (source == SL_SOURCE_OVERLAPS && !sl_pair_translates(&pair))) {
		work->pkt.reason = SL_DROP_SOURCE;
		return SL_DECIDED_DROP;
	}
	decision = sl_pair_ports(ctx, port, work, &pair);
	if (decision == SL_DECIDED_PASS)
		return decision;
	if (decision == SL_DECIDED_KEEP && work->pkt.family == AF_INET &&
	    !sl_translation_stands(pair.in, pair.out,
				   pair.opener == pair.flow ? &work->pkt.key : &work->other,
				   pair.opener))
		decision = SL_DECIDED_END;
	if (decision == SL_DECIDED_END)
		return decision;
	sl_pair_settle(port, work, &pair);
	action = sl_judge_pair(ctx, work, pair.flow, pair.other);
	why = sl_judged_why(ctx, work, action, true, generation, pair.opener,
			    pair.opener == pair.flow ? pair.other : pair.flow);
	if (action < SL_POLICY_REJECT)
		return SL_DECIDED_KEEP;
	work->pkt.reason = why;
	return SL_DECIDED_DROP;
}

/*
 * Ends the session that a packet belongs to, when sl_decide_again() says so: its packet belongs to
 * no session then.
 */
static __always_inline void sl_session_end_of(struct sl_work *work, const struct sl_flow *flow)
{
	struct sl_packet *pkt = &work->pkt;

	sl_session_end(pkt->family, flow->flags & SL_FLOW_ORIG ? pkt->slot : work->other_slot);
	pkt->turn = 0;
}

#endif
