/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame that leaves by a port is judged here (TC) by guard, NAT and qos, and if no port of ours
 * has seen it come, by its session.
 */
#ifndef SLUICE_BPF_PASS_EGRESS_H
#define SLUICE_BPF_PASS_EGRESS_H

#include "guard/egress.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "nat/nat.h"
#include "pass/track.h"
#include "policy/judge.h"
#include "qos/egress.h"

/* Is a masquerade's source about to leave as it is? Neither tags nor damage hide it. */
static __always_inline bool sl_untranslated(const struct sl_port *port, const struct sl_packet *pkt)
{
	return port->role == SL_ROLE_UPLINK && pkt->family == AF_INET &&
	       !(port->flags & SL_PORT_SWITCHED) && sl_nat_hidden(port->ifindex, pkt->k4.saddr);
}

/*
 * Judges a frame that leaves. Returns the reason against it, if there is one. A function for the
 * sake of its caller's stack.
 */
static __noinline enum sl_drop sl_egress_judge(struct __sk_buff *ctx, const struct sl_port *port,
					       bool guarded)
{
	struct sl_packet pkt = {};
	enum sl_drop why = SL_DROP_NONE;

	sl_parse(ctx, &pkt, 0);
	if (guarded)
		why = sl_guard_egress(ctx, port, &pkt);
	if (!why && sl_untranslated(port, &pkt))
		why = SL_DROP_UNTRANSLATED;
	if (!why && (port->qos & SL_QOS_EGRESS))
		why = sl_qos_leave(ctx, port, &pkt);
	return why;
}

/* Does the same, without a call for ports that have nothing to look for: nearly every one. */
static __always_inline enum sl_drop sl_egress(struct __sk_buff *ctx, const struct sl_port *port)
{
	bool guarded = port->flags & SL_PORT_GUARD_EGRESS;

	if (!guarded && !(port->qos & SL_QOS_EGRESS) &&
	    (port->role != SL_ROLE_UPLINK || (port->flags & SL_PORT_SWITCHED)))
		return SL_DROP_NONE;
	return sl_egress_judge(ctx, port, guarded);
}

/* Did the host itself make the frame? What entered by a port of ours was counted there. */
static __always_inline bool sl_is_hosts(const struct __sk_buff *ctx)
{
	return !ctx->ingress_ifindex || !sl_port_find(ctx->ingress_ifindex);
}

/*
 * Judges what leaves by a port of a bridge: where it goes was not known to the policy where it came
 * in. Its session is found by its answers, as they would enter here. Returns the reason against it,
 * if there is one.
 */
static __always_inline enum sl_drop
sl_judge_bridged(struct __sk_buff *ctx, const struct sl_port *port, struct sl_work *work)
{
	struct sl_packet *pkt = &work->pkt;
	struct sl_flow *answer;

	sl_parse(ctx, pkt, port->domain);
	if (!pkt->family || pkt->icmp_error || pkt->fragment == SL_FRAG_LATER)
		return SL_DROP_NONE;
	sl_key_counted(pkt, port->domain);
	sl_turn_round(pkt);
	answer = sl_flow_find(pkt);
	if (!answer || (answer->flags & SL_FLOW_ORIG))
		return SL_DROP_NONE;
	if (!answer->in_port)
		answer->in_port = port->id;
	return sl_rules_old(answer) ? sl_judge_again(ctx) : SL_DROP_NONE;
}

/* Tracks what leaves by a port. Returns the reason against it, if there is one. */
static __noinline enum sl_drop sl_track_sent(struct __sk_buff *ctx, const struct sl_port *port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	bool hosts = sl_is_hosts(ctx);

	if (!work || (!hosts && !sl_policy_in_force()))
		return SL_DROP_NONE;
	sl_work_begin(work);
	return hosts ? sl_track(ctx, work, 0, port->id, port->domain)
		     : sl_judge_bridged(ctx, port, work);
}

#endif
