// SPDX-License-Identifier: GPL-2.0-only
/*
 * The XDP fast path. It finishes a packet completely or leaves it untouched: drops what the guard
 * certainly refuses, forwards what belongs to a flow, and opens sessions about which nothing is
 * special; all else goes on to TC as it came.
 */
#include "ctx/xdp.h"
#include "ctx/xdp_csum.h"
#include "lib/count.h"
#include "lib/dscp.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "block/block.h"
#include "route/enter.h"
#include "flow/flow.h"
#include "route/nexthop.h"
#include "route/open.h"
#include "qos/police.h"
#include "route/rewrite.h"
#include "switch/xdp.h"

/* Is there more about the packet than options that say nothing of its way? */
static __always_inline bool sl_is_special(struct xdp_md *ctx, const struct sl_packet *pkt)
{
	return pkt->vlan_tags || pkt->fragment != SL_FRAG_NONE || pkt->hidden || pkt->icmp_error ||
	       sl_source_routed(ctx, pkt);
}

/* Packets that need more than a rewrite, or go better by TC. */
static __always_inline bool sl_needs_full_path(struct xdp_md *ctx, const struct sl_port *port,
					       const struct sl_packet *pkt)
{
	if (unlikely(pkt->special) && sl_is_special(ctx, pkt))
		return true;
	if (pkt->ttl <= 1)
		return true;
	return (port->flags & SL_PORT_XDP_NO_TCP) && pkt->proto == IPPROTO_TCP;
}

/* What may open a session here: UDP, an echo request, a SYN. */
static __always_inline bool sl_may_open(const struct sl_packet *pkt)
{
	switch (pkt->proto) {
	case IPPROTO_UDP:
		return true;
	case IPPROTO_TCP:
		return sl_is_syn(pkt);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return sl_icmp_is_request(pkt);
	default:
		return false;
	}
}

/*
 * Opens the session of work->pkt. SL_PASS, with nothing changed, unless the way out is known and
 * can be redirected to.
 */
static __noinline enum sl_verdict sl_open_session(struct xdp_md *ctx, const struct sl_port *port,
						  struct sl_work *work)
{
	enum sl_verdict verdict;
	int why;

	if (sl_plan_session(ctx, port, work) != SL_CONTINUE || work->hop.neigh ||
	    ctx_redirect(ctx, &work->hop) != XDP_REDIRECT || ctx_l4_csum_complete(ctx, &work->pkt))
		return SL_PASS;
	why = sl_police(ctx, port);
	if (why)
		return sl_refuse(&work->pkt, why);
	verdict = sl_enter_session(ctx, work);
	/* TC may make room for it. */
	return verdict == SL_DROP && sl_wants_room(work->pkt.reason) ? SL_PASS : verdict;
}

/* SL_CONTINUE: it is the first packet of a session. */
static __always_inline enum sl_verdict sl_fast_path(struct xdp_md *ctx, const struct sl_port *port,
						    const struct sl_sender *sender,
						    struct sl_work *work, __u32 len)
{
	const struct sl_settings *settings = sl_settings_now();
	struct sl_packet *pkt = &work->pkt;
	struct sl_hop *hop = &work->hop;
	enum sl_verdict verdict;
	struct sl_flow *flow;
	__u32 now;
	int why;

	verdict = sl_enter(ctx, port, sender, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	if (!settings || sl_needs_full_path(ctx, port, pkt))
		return SL_PASS;
	flow = sl_flow_find_with(settings, pkt);
	if (!flow)
		return sl_may_open(pkt) ? SL_CONTINUE : SL_PASS;
	if (sl_is_syn(pkt)) /* a connection reopened concerns both directions */
		return SL_PASS;
	if (sl_flow_stale(flow, port)) /* TC decides it anew */
		return SL_PASS;
	now = sl_tick_now();
	if (!sl_nexthop_cached(flow, settings, now, hop) &&
	    sl_nexthop_ask(ctx, port, pkt, flow, hop))
		return SL_PASS;
	/* Noted now, done if we return XDP_REDIRECT: what can't be sent there stays as it came. */
	if (pkt->l3_len > hop->mtu || ctx_redirect(ctx, hop) != XDP_REDIRECT ||
	    ctx_l4_csum_complete(ctx, pkt))
		return SL_PASS;
	why = sl_police(ctx, port);
	if (why)
		return sl_refuse(pkt, why);
	if (unlikely(sl_flow_account(flow, pkt, len, now)))
		sl_detect_packets(ctx, pkt, flow->in_port);
	return sl_rewrite(ctx, pkt, flow, hop);
}

/*
 * A frame that is to leave by a port whose egress program it passes by. 0, or the reason why not.
 * Global: the verifier looks once.
 */
__noinline int sl_police_out(struct xdp_md *ctx, __u32 port)
{
	const struct sl_qos *qos = sl_qos_of(port);
	struct sl_qos_state *state = sl_qos_state_of(port);
	struct sl_qos_stats *stats = sl_qos_stats_of(port);
	struct sl_wire wire;
	bool conforms;
	__u64 now;

	if (!qos || !state || !stats)
		return 0;
	wire = sl_wire(ctx);
	now = sl_bucket_now(&qos->out);
	conforms =
	    sl_conforms(&qos->out, &state->out.bytes_at, &stats->out_credit, now, wire.bytes);
	sl_qos_count(&stats->counts[conforms ? SL_QOS_OUT_CONFORMED : SL_QOS_OUT_EXCEEDED], &wire);
	if (likely(conforms))
		return 0;
	sl_throttled(&state->out, now);
	return SL_DROP_QOS_EGRESS;
}

/* Counts and reports a frame that entered and is refused. */
static __always_inline int sl_xdp_drop(struct xdp_md *ctx, const struct sl_port *port, int why,
				       __u32 len)
{
	sl_count_rx(port->id, SL_COUNT_DROPPED, len);
	sl_report_drop(ctx, port->id, why, false);
	return XDP_DROP;
}

/* The frame is ready to leave by this port, and counted where it came in. */
static __always_inline int sl_xdp_send(struct xdp_md *ctx, __u32 port, __u16 qos, __u32 len)
{
	int why = unlikely(qos & SL_QOS_EGRESS) ? sl_police_out(ctx, port) : 0;

	if (unlikely(why)) {
		sl_count_tx(port, SL_COUNT_DROPPED, len);
		sl_report_drop(ctx, port, why, true);
		return XDP_DROP;
	}
	sl_count_tx(port, SL_COUNT_FORWARDED, len);
	return XDP_REDIRECT;
}

/* What enters by a switched port. */
static __noinline int sl_xdp_switched(struct xdp_md *ctx, const struct sl_port *port)
{
	__u32 len = ctx_len(ctx), zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);

	if (!work)
		return XDP_PASS;
	sl_work_begin(work);
	switch (sl_xdp_switch(ctx, port, work)) {
	case SL_FORWARD:
		sl_count_rx(port->id, SL_COUNT_FORWARDED, len);
		sl_vlan_count(work->l2.vid, SL_VLAN_SWITCHED, len);
		return sl_xdp_send(ctx, work->hop.port, work->hop.qos, ctx_len(ctx));
	case SL_DROP:
		return sl_xdp_drop(ctx, port, work->pkt.reason, len);
	default: /* TC counts it */
		return XDP_PASS;
	}
}

/* What is forwarded untagged gets the DSCP that it is to have; the others get theirs on TC. */
static __noinline void sl_xdp_mark(struct xdp_md *ctx, __u32 port, const struct sl_packet *pkt)
{
	const struct sl_qos *qos = sl_qos_of(port);
	struct iphdr *ip = ctx_data(ctx) + (pkt->l3_off & SL_L3_OFF_MASK);

	if (qos && qos->dscp != SL_DSCP_KEEP && (void *)(ip + 1) <= ctx_data_end(ctx))
		sl_write_dscp(ip, pkt->family == AF_INET, qos->dscp);
}

/* The end of a frame that is for the router. */
static __always_inline int sl_xdp_finish(struct xdp_md *ctx, const struct sl_port *port,
					 enum sl_verdict verdict, const struct sl_packet *pkt,
					 const struct sl_hop *hop, __u32 len)
{
	switch (verdict) {
	case SL_FORWARD:
		if (unlikely(port->qos & SL_QOS_REMARK))
			sl_xdp_mark(ctx, port->id, pkt);
		sl_count_rx(port->id, SL_COUNT_FORWARDED, len);
		return sl_xdp_send(ctx, hop->port, hop->qos, len);
	case SL_DROP:
		return sl_xdp_drop(ctx, port, pkt->reason, len);
	default: /* TC counts it */
		return XDP_PASS;
	}
}

/* The first packet of a session. */
static __noinline enum sl_verdict sl_xdp_first(struct xdp_md *ctx, const struct sl_port *port,
					       struct sl_work *work)
{
	enum sl_verdict verdict = sl_open_session(ctx, port, work);

	if (verdict == SL_FORWARD)
		verdict = sl_rewrite(ctx, &work->pkt, &work->opened, &work->hop);
	return verdict;
}

/* Drops what is from or to a listed address. */
static __noinline bool sl_xdp_block(struct xdp_md *ctx, const struct sl_port *port)
{
	if (!sl_blocked(ctx))
		return false;
	sl_xdp_drop(ctx, port, SL_DROP_BLOCKED, ctx_len(ctx));
	return true;
}

SEC("xdp.frags")
int sl_xdp(struct xdp_md *ctx)
{
	const struct sl_port *port = sl_port_find(ctx_ifindex(ctx));
	__u32 zero = 0, len = ctx_len(ctx);
	enum sl_verdict verdict;
	struct sl_sender sender = {};
	struct sl_work *work;
	int why;

	if (!port || !(port->flags & SL_PORT_XDP))
		return XDP_PASS;
	if (sl_block_any() && sl_xdp_block(ctx, port))
		return XDP_DROP;
	if (port->flags & SL_PORT_SWITCHED)
		return sl_xdp_switched(ctx, port);
	why = sl_guard_at_sight(ctx, port, &sender);
	if (why)
		return sl_xdp_drop(ctx, port, why, len);
	work = bpf_map_lookup_elem(&sl_work, &zero);
	if (!work)
		return XDP_PASS;
	sl_work_begin(work);
	verdict = sl_fast_path(ctx, port, &sender, work, len);
	if (verdict == SL_CONTINUE)
		verdict = sl_xdp_first(ctx, port, work);
	return sl_xdp_finish(ctx, port, verdict, &work->pkt, &work->hop, len);
}

char LICENSE[] SEC("license") = "GPL";
