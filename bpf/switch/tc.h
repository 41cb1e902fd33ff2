/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All of the switch is on TC: what enters by a switched port is routed by the gateway of its VLAN,
 * sent to one port, flooded, or dropped. Nothing is left to the kernel as it came; what is for the
 * host goes to the internal port of the VLAN.
 */
#ifndef SLUICE_BPF_SWITCH_TC_H
#define SLUICE_BPF_SWITCH_TC_H

#include "switch/flood.h"
#include "qos/remark.h"
#include "switch/switch.h"
#include "pass/track.h"
#include "route/answer.h"
#include "maps/work.h"

/* MACs as numbers, see struct sl_l2. */
#define SL_BROADCAST	0xffffffffffffull
#define SL_BPDU		0x0000c28001ull	  /* 01:80:c2:00:00:00, IEEE 802.1Q table 8-1 */
#define SL_BPDU_PVST	0xcdcccc0c0001ull /* 01:00:0c:cc:cc:cd, Cisco's for each VLAN */
#define SL_RESERVED_END 0x10		  /* 01:80:c2:00:00:00 to 0f end at the first bridge */

static __always_inline bool sl_is_reserved(__u64 dst)
{
	return (dst & 0xffffffffffull) == SL_BPDU && dst >> 40 < SL_RESERVED_END;
}

/*
 * Judges a frame to a group that means something to the switch itself. Returns the reason against
 * it, if there is one.
 */
static __noinline enum sl_drop sl_switch_special(struct __sk_buff *ctx, const struct sl_port *port,
						 const struct sl_switch_port *sp, struct sl_l2 *l2)
{
	__u16 from;

	if (l2->dst == SL_BPDU || l2->dst == SL_BPDU_PVST) {
		l2->bpdu = sp->flags & SL_SWITCH_BPDU_FORWARD;
		if (l2->bpdu)
			return SL_DROP_NONE;
		if (sp->flags & SL_SWITCH_BPDU_SHUT)
			sl_close(port->id, SL_CLOSED_BPDU, 0, true);
		sl_event_notice(ctx, port->id, SL_EVENT_BPDU, 0);
		return SL_DROP_SWITCH_BPDU;
	}
	if (sl_is_reserved(l2->dst))
		return SL_DROP_SWITCH_RESERVED;
	if (l2->dst != SL_BROADCAST || l2->type != bpf_htons(SL_PROBE_ETHERTYPE))
		return SL_DROP_NONE;
	from = sl_probe_from(ctx, l2->off);
	if (!from)
		return SL_DROP_NONE;
	sl_loop_probed(ctx, port->id, from);
	return SL_DROP_SWITCH_PROBE;
}

/*
 * Judges the frame from the wire to the MAC table; the guard has had its say. Returns the reason
 * against it, if there is one.
 */
static __always_inline enum sl_drop sl_switch_admit(struct __sk_buff *ctx,
						    const struct sl_port *port,
						    const struct sl_switch_port *sp,
						    struct sl_switch_state *state, struct sl_l2 *l2)
{
	enum sl_drop why;

	if (sl_is_closed(state))
		return SL_DROP_SWITCH_CLOSED;
	why = l2->dst & 1 ? sl_switch_special(ctx, port, sp, l2) : SL_DROP_NONE;
	if (!why)
		why = sl_vlan_enter(sp, port->id, l2);
	if (why)
		return why;
	if (l2->dst & 1) {
		l2->kind = l2->dst == SL_BROADCAST ? SL_STORM_BROADCAST : SL_STORM_MULTICAST;
		if (!sl_storm_allows(sp, state, l2->kind))
			return SL_DROP_SWITCH_STORM;
	} else {
		sl_fdb_aim(l2);
	}
	return sl_learn(ctx, port->id, l2);
}

/*
 * Polices what may enter, and gives it its DSCP and priority. SL_CONTINUE, or SL_DROP with
 * work->pkt.reason.
 */
static __noinline enum sl_verdict sl_switch_qos(struct __sk_buff *ctx, const struct sl_port *port,
						struct sl_work *work)
{
	__u32 tag = work->l2.tag, pcp = tag ? SL_TAG_PRI(tag) >> 1 : SL_PCP_KEEP;
	enum sl_drop why = sl_police(ctx, port);

	if (why)
		return sl_refuse(&work->pkt, why);
	if (!(port->qos & SL_QOS_REMARK))
		return SL_CONTINUE;
	pcp = sl_remark(ctx, port->id, pcp);
	if (pcp < SL_PCPS)
		work->l2.pri = pcp << 1 | (work->l2.pri & 1);
	return SL_CONTINUE;
}

/*
 * Does everything before it is decided where the frame goes. SL_CONTINUE: work->l2 says what it is.
 * SL_DROP with work->pkt.reason.
 */
static __always_inline enum sl_verdict sl_switch_receive(struct __sk_buff *ctx,
							 const struct sl_port *port,
							 const struct sl_switch_port *sp,
							 struct sl_work *work)
{
	struct sl_switch_state *state = sl_switch_state_of(port->id);
	enum sl_verdict verdict;
	enum sl_drop why;

	if (sl_l2_read(ctx, &work->l2) || !state)
		return sl_refuse(&work->pkt, SL_DROP_MALFORMED);
	verdict = sl_switch_guard(ctx, port, &work->pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	why = sl_switch_admit(ctx, port, sp, state, &work->l2);
	if (why)
		return sl_refuse(&work->pkt, why);
	work->pkt.vid = work->l2.vid; /* whichever tag it came with */
	verdict = sl_sight(ctx, port, &work->pkt);
	if (verdict == SL_CONTINUE && unlikely(port->qos))
		verdict = sl_switch_qos(ctx, port, work);
	return verdict;
}

/* Sends the frame to one port: SL_SENT, or SL_DROP with work->pkt.reason. */
static __always_inline enum sl_verdict sl_switch_send(struct __sk_buff *ctx, struct sl_work *work,
						      __u16 id, const struct sl_switch_port *out)
{
	if (!sl_switch_fits(ctx, &work->l2, out))
		return sl_refuse(&work->pkt, SL_DROP_SWITCH_MTU);
	if (sl_retag(ctx, &work->l2, sl_vlan_leave(out, id, &work->l2)))
		return sl_refuse(&work->pkt, SL_DROP_REWRITE_FAILED);
	ctx_mark_switched(ctx);
	bpf_redirect(out->ifindex, 0);
	return SL_SENT;
}

/* Sends the frame to the host, or back to a port: as sl_switch_send(). */
static __noinline enum sl_verdict sl_switch_send_to(struct __sk_buff *ctx, struct sl_work *work,
						    __u16 id)
{
	const struct sl_switch_port *out = sl_switch_port_of(id);

	work->pkt.reason = SL_DROP_SWITCH_NOWHERE;
	return out && out->ifindex ? sl_switch_send(ctx, work, id, out) : SL_DROP;
}

/* Sends the frame to all ports of its VLAN: as sl_flood(). */
static __noinline enum sl_verdict sl_switch_flood(struct __sk_buff *ctx, const struct sl_port *port,
						  const struct sl_switch_port *sp,
						  struct sl_work *work)
{
	struct sl_switch_state *state = sl_switch_state_of(port->id);

	if (!(work->l2.dst & 1)) {
		work->l2.kind = SL_STORM_UNKNOWN;
		if (state && !sl_storm_allows(sp, state, SL_STORM_UNKNOWN))
			return sl_refuse(&work->pkt, SL_DROP_SWITCH_STORM);
	}
	work->flood = (struct sl_flood){.in = port->id};
	return sl_flood(ctx, work);
}

/* Sends the frame where the MAC table says: SL_SENT, SL_SPENT, or SL_DROP with work->pkt.reason. */
static __always_inline enum sl_verdict
sl_switch_forward(struct __sk_buff *ctx, const struct sl_port *port,
		  const struct sl_switch_port *sp, struct sl_work *work, enum sl_vlan_count *count)
{
	const struct sl_switch_port *out;
	enum sl_drop why;
	__u16 to;

	if (!(work->l2.dst & 1)) {
		out = sl_switch_find(port, sp, &work->l2, &to, &why);
		if (likely(out)) {
			why = sl_is_tracked(ctx, port)
				  ? sl_track(ctx, work, port->id, to, work->l2.vid)
				  : SL_DROP_NONE;
			if (likely(!why))
				return sl_switch_send(ctx, work, to, out);
		}
		if (why)
			return sl_refuse(&work->pkt, why);
	}
	*count = SL_VLAN_FLOODED;
	why = sl_is_tracked(ctx, port)
		  ? sl_track(ctx, work, port->id, SL_POLICY_PORT_UNKNOWN, work->l2.vid)
		  : SL_DROP_NONE;
	if (!why && work->l2.type == bpf_htons(ETH_P_ARP))
		why = sl_detect_arp(ctx, port->id, work->l2.off);
	if (unlikely(why))
		return sl_refuse(&work->pkt, why);
	return sl_switch_flood(ctx, port, sp, work);
}

static __always_inline const struct sl_vlan *sl_vlan_of(__u16 vid)
{
	__u32 index = vid;

	return bpf_map_lookup_elem(&sl_vlans, &index);
}

/* Is the frame for the gateway of its VLAN, and not from it? */
static __always_inline bool sl_for_gateway(const struct sl_vlan *vlan, const struct sl_port *port,
					   const struct sl_l2 *l2)
{
	return vlan && vlan->l3_ifindex && vlan->port != port->id &&
	       sl_mac_number(vlan->mac) == l2->dst;
}

/* Counts the frame of a switched port, whose end this verdict is. */
static __always_inline void sl_switch_count(struct sl_port_stats *stats, const struct sl_work *work,
					    enum sl_verdict end, enum sl_vlan_count count,
					    __u32 len)
{
	bool dropped = end == SL_DROP;

	sl_count(&stats->rx[dropped ? SL_COUNT_DROPPED : SL_COUNT_FORWARDED], len);
	sl_vlan_count(work->l2.vid, dropped ? SL_VLAN_DROPPED : count, len);
}

/* Takes what enters by a switched port: SL_SENT, SL_SPENT, SL_DROP, or SL_TO_GATEWAY. */
static __noinline enum sl_verdict sl_tc_switch(struct __sk_buff *ctx, const struct sl_port *port,
					       struct sl_port_stats *stats, struct sl_work *work)
{
	const struct sl_switch_port *sp = sl_switch_port_of(port->id);
	enum sl_vlan_count count = SL_VLAN_SWITCHED;
	enum sl_verdict verdict = SL_DROP;
	const struct sl_vlan *vlan;
	__u32 len = ctx_len(ctx);

	if (!sp)
		return SL_DROP;
	if (sl_switch_receive(ctx, port, sp, work) == SL_CONTINUE) {
		vlan = sl_vlan_of(work->l2.vid);
		if (vlan && sl_for_gateway(vlan, port, &work->l2))
			return SL_TO_GATEWAY;
		verdict = sl_switch_forward(ctx, port, sp, work, &count);
	}
	sl_switch_count(stats, work, verdict, count, len);
	if (likely(verdict != SL_DROP))
		return verdict;
	return sl_ingress_drop(ctx, port, work, sl_refused(&work->pkt) == SL_REPLY);
}

#endif
