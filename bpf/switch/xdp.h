/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch on XDP takes frames between two known MACs about which nothing is special. All else is
 * left to TC, untouched: what is flooded, learned, for the gateway, or dropped by the switch.
 */
#ifndef SLUICE_BPF_SWITCH_XDP_H
#define SLUICE_BPF_SWITCH_XDP_H

#include "ctx/xdp_csum.h"
#include "flow/flow.h"
#include "guard/guard.h"
#include "policy/judge.h"
#include "qos/police.h"
#include "switch/switch.h"
#include "maps/work.h"

/* Both MACs of the frame, which stand apart from what follows them only by a tag. */
struct sl_macs {
	__u8 bytes[2 * ETH_ALEN];
};

/*
 * Gives the frame this tag in place of the one it has. Returns 0; or a negative errno with the
 * frame as it was.
 */
static __always_inline int sl_xdp_retag(struct xdp_md *ctx, __u32 from, __u32 to)
{
	struct sl_macs *macs = ctx_data(ctx), kept;
	struct sl_vlan_tag *tag;

	if (from == to)
		return 0;
	if ((void *)(macs + 1) > ctx_data_end(ctx))
		return -1;
	kept = *macs;
	if (!from != !to && bpf_xdp_adjust_head(ctx, from ? VLAN_HLEN : -VLAN_HLEN))
		return -1;
	macs = ctx_data(ctx);
	tag = (void *)(macs + 1);
	if ((void *)(tag + 1) > ctx_data_end(ctx))
		return -1;
	*macs = kept;
	if (to)
		*tag = (struct sl_vlan_tag){bpf_htons(SL_TAG_TPID(to)), bpf_htons(to)};
	return 0;
}

/* Parses the frame, if it is not parsed by now: that of a guarded port is. */
static __noinline void sl_xdp_parse(struct xdp_md *ctx, struct sl_packet *pkt)
{
	if (!pkt->ethertype)
		sl_parse(ctx, pkt, 0);
}

/* May the port get the frame by XDP, past its egress program? If so, *qos is what it asks for. */
static __always_inline bool sl_xdp_deliverable(struct xdp_md *ctx, const struct sl_switch_port *out,
					       struct sl_packet *pkt, __u64 dst, __u16 *qos)
{
	const struct sl_port *port = sl_port_find(out->ifindex);
	const struct sl_guard *guard;

	if (!port)
		return false;
	*qos = port->qos;
	if (!(port->flags & SL_PORT_GUARD_EGRESS))
		return true;
	sl_xdp_parse(ctx, pkt);
	guard = sl_guard_of(port);
	return guard && !sl_is_dhcp_answer(pkt) &&
	       (!(guard->checks & SL_GUARD_DELIVERY) || sl_guard_own_mac(port, guard, dst));
}

/* Is it TCP or UDP in plain IPv4 with a checksum that is none to be completed? */
static __always_inline bool sl_xdp_plain(struct xdp_md *ctx, const struct sl_l2 *l2)
{
	struct iphdr *ip = ctx_data(ctx) + (l2->off & SL_L3_OFF_MASK);
	__u16 *udp_check = (void *)(ip + 1) + offsetof(struct udphdr, check);
	__u16 *tcp_check = (void *)(ip + 1) + offsetof(struct tcphdr, check), check;
	__u64 sum;

	if (l2->type != bpf_htons(ETH_P_IP) || (void *)(tcp_check + 1) > ctx_data_end(ctx) ||
	    *(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(SL_IP_MF | SL_IP_OFFSET)))
		return false;
	if (ip->protocol == IPPROTO_UDP)
		check = *udp_check;
	else if (ip->protocol == IPPROTO_TCP)
		check = *tcp_check;
	else
		return false;
	sum = (__u64)ip->saddr + ip->daddr + bpf_htons(ip->protocol) +
	      bpf_htons(bpf_ntohs(ip->tot_len) - sizeof(*ip));
	return !sl_csum_folds_to(sum, check);
}

/*
 * Completes a checksum that is still to be completed, since nobody does it after a redirect. False:
 * it can't be done.
 */
static __always_inline bool sl_xdp_complete(struct xdp_md *ctx, struct sl_packet *pkt,
					    const struct sl_l2 *l2)
{
	if (likely(sl_xdp_plain(ctx, l2)))
		return true;
	sl_xdp_parse(ctx, pkt);
	if (pkt->reason)
		return false;
	return !pkt->family || pkt->fragment != SL_FRAG_NONE || !ctx_l4_csum_complete(ctx, pkt);
}

/*
 * Finds the flow of the frame in *flow; NULL there: it has none, or its port's are not tracked.
 * False: TC is to see it, since a session begins or is to be judged, or its ports are in another
 * fragment or behind headers that are not to be read.
 */
static __always_inline bool sl_xdp_tracked(struct xdp_md *ctx, const struct sl_port *port,
					   const struct sl_l2 *l2, struct sl_packet *pkt,
					   struct sl_flow **flow)
{
	*flow = NULL;
	if (!(port->flags & SL_PORT_TRACK))
		return true;
	sl_xdp_parse(ctx, pkt);
	if (!pkt->family || pkt->icmp_error)
		return !sl_policy_in_force();
	if (pkt->fragment != SL_FRAG_NONE || pkt->hidden || sl_is_damaged(pkt) || sl_is_syn(pkt))
		return false;
	sl_key_counted(pkt, l2->vid);
	*flow = sl_flow_find(pkt);
	return *flow && !sl_rules_old(*flow);
}

/*
 * Finds out in which VLAN the frame is, from whom and to whom. Returns the port to send it to, with
 * its id in *to; NULL: it is TC's.
 */
static __always_inline const struct sl_switch_port *
sl_xdp_switch_to(const struct sl_port *port, const struct sl_switch_port *sp, struct sl_l2 *l2,
		 __u16 *to)
{
	const struct sl_switch_state *state = sl_switch_state_of(port->id);
	enum sl_drop why;

	if (!state || (l2->dst & 1) || sl_is_closed(state) || sl_vlan_enter(sp, port->id, l2))
		return NULL;
	sl_fdb_aim(l2);
	if (!sl_learn_known(port->id, l2))
		return NULL;
	return sl_switch_find(port, sp, l2, to, &why);
}

/*
 * Switches a frame. SL_FORWARD: work->l2 says what leaves, work->hop.port and .qos by which port.
 * SL_PASS, or SL_DROP with work->pkt.reason.
 */
static __always_inline enum sl_verdict sl_xdp_switch(struct xdp_md *ctx, const struct sl_port *port,
						     struct sl_work *work)
{
	const struct sl_switch_port *sp = sl_switch_port_of(port->id), *out;
	struct sl_packet *pkt = &work->pkt;
	struct sl_l2 *l2 = &work->l2;
	enum sl_verdict verdict;
	struct sl_flow *flow;
	__u16 to;
	enum sl_drop why;

	if (!sp || sl_l2_read(ctx, l2))
		return SL_PASS;
	verdict = sl_switch_guard(ctx, port, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	out = sl_xdp_switch_to(port, sp, l2, &to);
	if (!out || l2->len > out->mtu || (port->qos & SL_QOS_REMARK))
		return SL_PASS;
	pkt->vid = l2->vid;
	verdict = sl_sight(ctx, port, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	work->hop.port = to;
	if (!sl_xdp_tracked(ctx, port, l2, pkt, &flow))
		return SL_PASS;
	if (!sl_xdp_deliverable(ctx, out, pkt, l2->dst, &work->hop.qos) ||
	    bpf_redirect_map(&sl_xdp_targets, to, XDP_PASS) != XDP_REDIRECT ||
	    !sl_xdp_complete(ctx, pkt, l2))
		return SL_PASS;
	why = sl_police(ctx, port);
	if (why)
		return sl_refuse(pkt, why);
	if (flow && sl_flow_account(flow, pkt, ctx_len(ctx), sl_tick_now()))
		sl_detect_packets(ctx, pkt, port->id);
	if (sl_xdp_retag(ctx, l2->tag, sl_vlan_leave(out, to, l2)))
		return sl_refuse(pkt, SL_DROP_REWRITE_FAILED);
	return SL_FORWARD;
}

#endif
