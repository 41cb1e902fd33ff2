/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What leaves by a port with SL_QOS_EGRESS (TC) gets its class here. How long it waits in the queue
 * the kernel's qdiscs do not tell a BPF program: a model of it is kept here.
 */
#ifndef SLUICE_BPF_QOS_EGRESS_H
#define SLUICE_BPF_QOS_EGRESS_H

#include "lib/bits.h"
#include "lib/port.h"
#include "qos/police.h"
#include "qos/remark.h"

/* Tells which matches have nothing against the L4 port. */
static __always_inline __u64 sl_match_l4port(const struct sl_qos_rules *rules,
					     const struct sl_qos_intervals *intervals, __be16 port)
{
	__u32 at = bpf_ntohs(port);

	barrier_var(at); /* the verifier of Linux 6.1 knows no bounds of swapped bytes */
	return rules->by_interval[intervals->of[at & 0xffff]];
}

/* Tells which matches have nothing against either L4 port. Frames without ports have 0. */
static __always_inline __u64 sl_match_l4(const struct sl_qos_rules *rules,
					 const struct sl_packet *pkt)
{
	bool v4 = pkt->family == AF_INET;
	__u16 sport = v4 ? pkt->k4.sport : pkt->k6.sport,
	      dport = v4 ? pkt->k4.dport : pkt->k6.dport;
	__u8 proto = pkt->proto;
	const struct sl_qos_intervals *intervals;
	__u32 zero = 0;

	if (!pkt->family)
		proto = SL_QOS_NO_PROTOCOL;
	if (!pkt->family || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return rules->by_protocol[proto] & rules->by_interval[0];
	intervals = bpf_map_lookup_elem(&sl_qos_intervals, &zero);
	if (!intervals)
		return 0;
	return rules->by_protocol[proto] & (sl_match_l4port(rules, intervals, sport) |
					    sl_match_l4port(rules, intervals, dport));
}

/* Finds the class of a frame: the first match that it fulfils says it. */
static __always_inline __u32 sl_classify(const struct sl_qos_rules *rules,
					 const struct __sk_buff *ctx, const struct sl_port *out,
					 const struct sl_packet *pkt)
{
	const struct sl_port *in = sl_port_find(ctx->ingress_ifindex);
	__u32 in_id = in ? in->id : 0, vid = pkt->vid ?: out->domain, first;
	__u64 set = rules->by_port[in_id & (SL_MAX_PORTS - 1)] |
		    rules->by_port[out->id & (SL_MAX_PORTS - 1)];

	set &= rules->by_vlan[vid & (SL_QOS_VLANS - 1)] & sl_match_l4(rules, pkt);
	set &= rules->by_dscp[pkt->tos >> 2];
	if (!set)
		return 0;
	first = sl_lowest_bit(set);
	barrier_var(first); /* the verifier is to see the bound */
	return rules->class_of[first & (SL_QOS_MATCHES_MAX - 1)];
}

/* Puts the frame into its class's queue, and gives it the class's DSCP. Returns the class. */
static __always_inline __u32 sl_enter_class(struct __sk_buff *ctx, const struct sl_qos *qos,
					    const struct sl_qos_rules *rules,
					    const struct sl_port *out, const struct sl_packet *pkt)
{
	__u32 class = sl_classify(rules, ctx, out, pkt) & (SL_QOS_CLASSES_MAX - 1);
	__u8 dscp = rules->dscp[class];

	if (pkt->family && dscp != SL_DSCP_KEEP)
		sl_set_dscp(ctx, pkt->l3_off, pkt->family == AF_INET, dscp);
	if (qos->handle)
		ctx->priority = qos->handle | (SL_QOS_HTB_LEAF + class);
	return class;
}

static __always_inline void sl_count_class(__u32 port, __u32 class, const struct sl_wire *wire,
					   bool marked)
{
	__u32 index = port * SL_QOS_CLASSES_MAX + class;
	struct sl_qos_class_stats *stats = bpf_map_lookup_elem(&sl_qos_class_stats, &index);

	if (!stats)
		return;
	sl_qos_count(&stats->sent, wire);
	if (marked)
		sl_qos_count(&stats->marked, wire);
}

/* May what the frame waits for be told to its sender, and was it? */
static __always_inline bool sl_mark(struct __sk_buff *ctx, const struct sl_port *port,
				    const struct sl_qos *qos, __u64 wait)
{
	return (port->qos & SL_QOS_ECN) && wait > qos->mark_at && bpf_skb_ecn_set_ce(ctx) == 1;
}

/*
 * Tells how long the frame will wait; SL_BUCKET_OVER if it may not. Where classes have queues of
 * their own only the kernel knows which are full: the model then has none but what it can hold.
 */
static __always_inline __u64 sl_wait(const struct sl_port *port, const struct sl_qos *qos,
				     struct sl_qos_state *state, const struct sl_wire *wire,
				     __u64 now)
{
	__u64 wait;

	if (!(qos->out.flags & SL_BUCKET_LIMITED))
		return qos->out.flags & SL_BUCKET_BLOCKED ? SL_BUCKET_OVER : 0;
	wait = sl_bucket_charge(&qos->out, &state->out.bytes_at, now, wire->bytes, qos->patience);
	if (wait)
		sl_throttled(&state->out, now);
	return wait == SL_BUCKET_OVER && qos->handle ? qos->patience + 1 : wait;
}

/*
 * Judges, marks and queues a frame that is to leave. Returns the reason against it, if there is
 * one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_qos_leave(struct __sk_buff *ctx, const struct sl_port *port,
				     const struct sl_packet *pkt)
{
	__u32 zero = 0, class = 0;
	const struct sl_qos_rules *rules = bpf_map_lookup_elem(&sl_qos_rules, &zero);
	const struct sl_qos *qos;
	struct sl_qos_state *state;
	struct sl_qos_stats *stats;
	struct sl_wire wire;
	__u64 now, wait;
	bool marked;

	if (!rules || !port || !pkt)
		return SL_DROP_NONE;
	qos = sl_qos_of(port->id);
	state = sl_qos_state_of(port->id);
	stats = sl_qos_stats_of(port->id);
	if (!qos || !state || !stats)
		return SL_DROP_NONE;
	wire = sl_wire(ctx);
	now = sl_bucket_now(&qos->out);
	wait = sl_wait(port, qos, state, &wire, now);
	if (wait == SL_BUCKET_OVER) {
		sl_qos_count(&stats->counts[SL_QOS_OUT_EXCEEDED], &wire);
		return SL_DROP_QOS_EGRESS;
	}
	if (port->qos & SL_QOS_CLASSES)
		class = sl_enter_class(ctx, qos, rules, port, pkt);
	if (port->qos & SL_QOS_EDT)
		ctx->tstamp = (now + wait) >> SL_BUCKET_TIME_SHIFT;
	marked = !rules->urgent[class] && sl_mark(ctx, port, qos, wait);
	sl_qos_count(&stats->counts[SL_QOS_OUT_CONFORMED], &wire);
	if (marked)
		sl_qos_count(&stats->counts[SL_QOS_OUT_MARKED], &wire);
	if (qos->late_at && wait > qos->late_at)
		sl_qos_count(&stats->counts[SL_QOS_OUT_LATE], &wire);
	if (port->qos & SL_QOS_CLASSES)
		sl_count_class(port->id, class, &wire, marked);
	return SL_DROP_NONE;
}

#endif
