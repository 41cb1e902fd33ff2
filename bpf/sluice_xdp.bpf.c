// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The XDP fast path. It finishes a packet completely or leaves it untouched: drops what the guard
 * certainly refuses, forwards what belongs to a flow, and opens sessions about which nothing is
 * special; all else goes on to TC as it came.
 *
 * sl_xdp(): its stages in the order in which a frame meets them, and what each says (Continue,
 * Forward, Pass, Drop; reasons in brackets are left to TC to say); see tests/tree/stages.py:
 *
 * stage               | file             | says | drop reasons
 * sl_xdp_block        | sluice_xdp.bpf.c | CD   | BLOCKED
 * sl_xdp_switch       | switch/xdp.h     | FPD  | REWRITE_FAILED (VLAN_* SWITCH_*)
 * sl_guard_at_sight   | guard/guard.h    | CD   | GUARD_MAC GUARD_IP
 * sl_parse            | lib/parse.h      | CP   | (MALFORMED)
 * sl_guard            | guard/guard.h    | CPD  | GUARD_* (MALFORMED)
 * sl_sight            | guard/sight.h    | CPD  | MAC_QUARANTINE
 * sl_plan_session     | route/open.h     | CP   | (SOURCE NOT_FORWARDED TTL_EXCEEDED TOO_BIG)
 * sl_police           | qos/police.h     | CD   | QOS_RATE QOS_PPS
 * sl_enter_session    | route/open.h     | FPD  | SOURCE
 * sl_admit_session    | route/open.h     | CPD  | DETECTED POLICY_DENY (POLICY_REJECT)
 * sl_nat_source       | nat/nat.h        | CD   | UNTRANSLATED NOT_TRANSLATABLE PORTS_EXHAUSTED
 *                     |                  |      | BINDINGS_FULL HOST_QUOTA COLLISION
 *                     |                  |      | FRAGMENT_ORPHAN
 * sl_session_insert   | flow/session.h   | FPD  | FLOWS_FULL HOST_QUOTA COLLISION
 * sl_rewrite          | route/rewrite.h  | FD   | REWRITE_FAILED
 * sl_police_out       | qos/xdp.h        | CD   | QOS_EGRESS
 */
#include "ctx/xdp.h"
#include "block/block.h"
#include "guard/guard.h"
#include "lib/count.h"
#include "lib/event.h"
#include "lib/port.h"
#include "maps/work.h"
#include "qos/xdp.h"
#include "route/xdp.h"
#include "switch/xdp.h"

/* Counts and reports a frame that entered and is refused. */
static __always_inline int sl_xdp_drop(struct xdp_md *ctx, const struct sl_port *port,
				       enum sl_drop why, __u32 len)
{
	sl_count_rx(port->id, SL_COUNT_DROPPED, len);
	sl_report_drop(ctx, port->id, why, false);
	return XDP_DROP;
}

/* Sends a frame that is ready to leave by this port, and was counted where it came in. */
static __always_inline int sl_xdp_send(struct xdp_md *ctx, __u32 port, __u16 qos, __u32 len)
{
	enum sl_drop why = unlikely(qos & SL_QOS_EGRESS) ? sl_police_out(ctx, port) : SL_DROP_NONE;

	if (unlikely(why)) {
		sl_count_tx(port, SL_COUNT_DROPPED, len);
		sl_report_drop(ctx, port, why, true);
		return XDP_DROP;
	}
	sl_count_tx(port, SL_COUNT_FORWARDED, len);
	return XDP_REDIRECT;
}

/* Takes what enters by a switched port. */
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

/* Ends a frame that is for the router. */
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
	enum sl_drop why;

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
