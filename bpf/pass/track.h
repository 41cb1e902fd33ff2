/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the router does not take has flows as well (TC): what is switched, and what is to or from
 * the host. They are counted; nothing is translated, and where the packet goes is not in their
 * entries.
 */
#ifndef SLUICE_BPF_PASS_TRACK_H
#define SLUICE_BPF_PASS_TRACK_H

#include "lib/fib.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "lib/socket.h"
#include "maps/maps.h"
#include "route/early_drop.h"
#include "flow/flow.h"
#include "route/fragment.h"
#include "route/hidden.h"
#include "route/icmp_quote.h"
#include "policy/judge.h"
#include "route/open.h"
#include "flow/session.h"
#include "maps/work.h"

static __always_inline void sl_count_unattributed(__u32 port, __u32 len)
{
	struct sl_port_stats *stats = sl_port_stats_of(port);

	if (stats)
		sl_count(&stats->unattributed, len);
}

/* This stands for a way out that the kernel's routes say: they are asked for the first packet. */
#define SL_TRACK_BY_ROUTES 0xfffdu

/*
 * Finds out where the kernel sends a packet that was left to it. Global: the verifier looks once.
 * Returns a port id; 0: it is for the host; or SL_POLICY_PORT_OTHER.
 */
__noinline __u32 sl_track_way(struct __sk_buff *ctx, const struct sl_packet *pkt, __u32 in_port)
{
	const struct sl_port *in = sl_port_of_id(in_port), *out;
	struct bpf_fib_lookup fib = {.tot_len = SL_FIB_PROBE_LEN};
	int err;

	if (!pkt || !in || sl_martian(pkt))
		return 0;
	fib.ifindex = in->l3_ifindex;
	sl_fib_of(&fib, pkt, false);
	err = ctx_fib_lookup(ctx, &fib, 0);
	if (err == BPF_FIB_LKUP_RET_NOT_FWDED || err == BPF_FIB_LKUP_RET_FWD_DISABLED)
		return 0;
	if (!sl_fib_found(err))
		return SL_POLICY_PORT_OTHER;
	out = sl_port_find(fib.ifindex);
	if (!out)
		return SL_POLICY_PORT_OTHER;
	return out->id ?: SL_POLICY_PORT_UNKNOWN;
}

/*
 * Is there a socket of the host that would take the packet? Other protocols than TCP and UDP need
 * none.
 */
static __always_inline bool sl_host_takes(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	struct bpf_sock_tuple tuple = {};
	__u32 size;

	if (pkt->proto != IPPROTO_TCP && pkt->proto != IPPROTO_UDP)
		return true;
	if (pkt->family == AF_INET) {
		tuple.ipv4.saddr = pkt->k4.saddr;
		tuple.ipv4.daddr = pkt->k4.daddr;
		tuple.ipv4.sport = pkt->k4.sport;
		tuple.ipv4.dport = pkt->k4.dport;
		size = sizeof(tuple.ipv4);
	} else {
		__builtin_memcpy(tuple.ipv6.saddr, &pkt->k6.saddr, sizeof(tuple.ipv6.saddr));
		__builtin_memcpy(tuple.ipv6.daddr, &pkt->k6.daddr, sizeof(tuple.ipv6.daddr));
		tuple.ipv6.sport = pkt->k6.sport;
		tuple.ipv6.dport = pkt->k6.dport;
		size = sizeof(tuple.ipv6);
	}
	return sl_socket_takes(ctx, pkt->proto, &tuple, size);
}

/*
 * Is it worth remembering? What the host answers with a refusal (RFC 9293 section 3.10.7.1) is not,
 * nor is that refusal: else anybody could fill the table by knocking at closed ports.
 */
static __noinline bool sl_track_worth(struct __sk_buff *ctx, const struct sl_packet *pkt,
				      __u32 in_port, __u32 out_port)
{
	if (pkt->tcp_flags & SL_TCP_RST)
		return false;
	return out_port || !in_port || sl_host_takes(ctx, pkt);
}

/*
 * Would the answers of the session that the host, or its own NAT, begins be taken for those of a
 * routed one? They would go astray, so what was there before stays.
 */
static __always_inline bool sl_track_collides(struct sl_work *work)
{
	if (work->pkt.family != AF_INET)
		return false;
	__builtin_memset(&work->other, 0, sizeof(work->other));
	sl_reverse_key(AF_INET, &work->pkt.key, &work->opened, &work->other);
	work->other.v4.kind = SL_KIND_ROUTED;
	return sl_flow_get(AF_INET, &work->other);
}

/*
 * Opens the session of a packet that sl_track_known() has parsed. Returns the reason against it, if
 * there is one. Where a policy is in force nothing passes that is not in the table: its answers
 * would not be known for what they are. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_track_open(struct __sk_buff *ctx, __u32 in_port, __u32 out_port,
				      __u32 domain)
{
	__u32 zero = 0;
	bool judged = sl_policy_in_force();
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	enum sl_drop why = SL_DROP_NONE;

	if (!work)
		return SL_DROP_NONE;
	if (out_port == SL_TRACK_BY_ROUTES)
		out_port = sl_track_way(ctx, &work->pkt, in_port);
	sl_plan(&work->pkt, in_port, ctx_len(ctx), &work->opened, &work->birth);
	work->opened.out_domain = domain;
	if (judged)
		why = sl_policy_settle(ctx, &work->ask, sl_judge_opened(ctx, out_port));
	if (why)
		return why;
	if (!in_port && sl_track_collides(work))
		return SL_DROP_COLLISION;
	if (!sl_track_worth(ctx, &work->pkt, in_port, out_port))
		return SL_DROP_NONE;
	if (!out_port)
		work->opened.flags |= SL_FLOW_TO_HOST;
	if (out_port == SL_POLICY_PORT_UNKNOWN || out_port == SL_POLICY_PORT_OTHER)
		out_port = 0;
	work->account = sl_account_payer(&work->pkt, &work->opened, in_port, out_port);
	if (sl_session_insert(work, out_port) == SL_FORWARD)
		return SL_DROP_NONE;
	if (judged)
		return work->pkt.reason;
	sl_count_unattributed(in_port ?: out_port, ctx_len(ctx));
	return SL_DROP_NONE;
}

enum sl_track_result {
	SL_TRACK_NONE,	 /* it has no flow yet */
	SL_TRACK_KNOWN,	 /* it is counted, or needs no flow */
	SL_TRACK_MANY,	 /* it is counted, and the detectors are to be told */
	SL_TRACK_STALE,	 /* it is to be judged anew, and not counted yet */
	SL_TRACK_ERROR,	 /* an ICMP error, while a policy is in force */
	SL_TRACK_ENDED,	 /* a SYN for which there is no room yet: sl_session_reopen() */
	SL_TRACK_HIDDEN, /* the policy in force can't see all of it: sl_judge_hidden() */
};

static __always_inline enum sl_track_result
sl_track_count(struct __sk_buff *ctx, struct sl_packet *pkt, struct sl_flow *flow)
{
	return sl_flow_account(flow, pkt, ctx_len(ctx), sl_tick_now()) ? SL_TRACK_MANY
								       : SL_TRACK_KNOWN;
}

/*
 * Counts the frame if it has a flow. work->pkt is what is known of the frame: zero or parsed. Where
 * answers would come from may not have been known when the session was opened: the first one tells.
 * Global: the verifier looks once.
 */
__noinline enum sl_track_result sl_track_known(struct __sk_buff *ctx, __u32 in_port, __u32 domain)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;
	struct sl_flow *flow;

	if (!work)
		return SL_TRACK_KNOWN;
	pkt = &work->pkt;
	if (!pkt->ethertype)
		sl_parse(ctx, pkt, 0);
	if (pkt->family)
		sl_key_counted(pkt, domain);
	if (unlikely(pkt->fragment == SL_FRAG_LATER))
		sl_fragment_follow(pkt, in_port);
	if (unlikely(sl_is_hidden(pkt)) && sl_policy_in_force())
		return SL_TRACK_HIDDEN;
	if (!pkt->family)
		return SL_TRACK_KNOWN;
	if (unlikely(pkt->icmp_error))
		return sl_policy_in_force() ? SL_TRACK_ERROR : SL_TRACK_KNOWN;
	flow = sl_flow_find(pkt);
	if (unlikely(!flow))
		return SL_TRACK_NONE;
	if (unlikely(!flow->in_port && in_port))
		flow->in_port = in_port;
	if (unlikely(sl_is_syn(pkt)) && sl_session_reopen(pkt, flow) == SL_DROP)
		return SL_TRACK_ENDED;
	if (sl_rules_old(flow))
		return SL_TRACK_STALE;
	return sl_track_count(ctx, pkt, flow);
}

/* Judges the session anew, and counts the frame. Returns the reason against it, if there is one. */
static __noinline enum sl_drop sl_track_judged(struct __sk_buff *ctx, struct sl_packet *pkt)
{
	enum sl_drop why = sl_judge_again(ctx);
	struct sl_flow *flow = why ? NULL : sl_flow_find(pkt);

	if (flow)
		sl_track_count(ctx, pkt, flow);
	return why;
}

/* Does what sl_track() says, in calls one after the other: nested they need too much stack. */
static __always_inline enum sl_drop sl_track_whole(struct __sk_buff *ctx, struct sl_work *work,
						   __u32 in_port, __u32 out_port, __u32 domain)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_track_result known = sl_track_known(ctx, in_port, domain);
	enum sl_drop why;

	if (likely(known == SL_TRACK_KNOWN))
		return SL_DROP_NONE;
	switch (known) {
	case SL_TRACK_NONE:
		why = in_port ? sl_detect_open(ctx, pkt, in_port) : SL_DROP_NONE;
		if (!why)
			why = sl_track_open(ctx, in_port, out_port, domain);
		if (unlikely(sl_wants_room(why)) && sl_make_room(work))
			why = sl_track_open(ctx, in_port, out_port, domain);
		return why;
	case SL_TRACK_STALE:
		return sl_track_judged(ctx, pkt);
	case SL_TRACK_ERROR:
		return sl_icmp_unrelated(ctx, in_port) ? SL_DROP_ICMP_UNRELATED : SL_DROP_NONE;
	case SL_TRACK_ENDED:
		return SL_DROP_COLLISION;
	case SL_TRACK_HIDDEN:
		if (out_port == SL_TRACK_BY_ROUTES)
			out_port = sl_track_way(ctx, pkt, in_port);
		return sl_judge_hidden(ctx, in_port, out_port, domain);
	default:
		if (in_port)
			sl_detect_packets(ctx, pkt, in_port);
		return SL_DROP_NONE;
	}
}

/*
 * Counts a frame that goes from one port to another. Returns the reason against it, if there is
 * one.
 * @param in_port 0: the host
 * @param out_port 0: the host; SL_POLICY_PORT_UNKNOWN: many, or one that is not known;
 * SL_TRACK_BY_ROUTES: the one that the kernel chooses
 */
static __always_inline enum sl_drop sl_track(struct __sk_buff *ctx, struct sl_work *work,
					     __u32 in_port, __u32 out_port, __u32 domain)
{
	struct sl_packet *pkt = &work->pkt;
	enum sl_drop why = sl_track_whole(ctx, work, in_port, out_port, domain);

	if (unlikely(pkt->fragment == SL_FRAG_FIRST) && !why)
		sl_fragment_note(ctx, in_port, out_port);
	return why;
}

/*
 * Is the frame to be tracked here? What the router sends into a VLAN comes in again by the VLAN's
 * internal port, and has a flow.
 */
static __always_inline bool sl_is_tracked(const struct __sk_buff *ctx, const struct sl_port *port)
{
	return (port->flags & SL_PORT_TRACK) &&
	       !(port->role == SL_ROLE_INTERNAL && ctx->tc_index == SL_TC_INDEX_SEGMENT);
}

#endif
