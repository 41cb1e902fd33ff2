// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The TC full path: every port, all features. Ingress forwards, translates and opens sessions;
 * egress sees what the host itself sends and lets nothing leave that should have been translated.
 * What is not ours goes on to the next program and to the kernel as it came (TC_ACT_UNSPEC).
 *
 * sl_tc_ingress(): its stages in the order in which a frame meets them, and what each says
 * (Continue, Forward, Pass, Drop, Reply, Held, Ended); tests/tree/stages.py holds it to the code:
 *
 * stage               | file             | says | drop reasons
 * sl_tc_block         | sluice_tc.bpf.c  | CD   | BLOCKED
 * sl_guard_at_sight   | guard/guard.h    | CD   | GUARD_MAC GUARD_IP
 * sl_parse            | lib/parse.h      | CPD  | MALFORMED
 * sl_guard            | guard/guard.h    | CD   | GUARD_* MALFORMED
 * sl_sight            | guard/sight.h    | CD   | MAC_QUARANTINE
 * sl_police           | qos/police.h     | CD   | QOS_RATE QOS_PPS
 * sl_route_at_once    | route/route.h    | CFD  | -
 * sl_route_special    | route/route.h    | CFPD | SOURCE_ROUTED SOURCE ICMP_UNRELATED
 *                     |                  |      | FRAGMENT_ORPHAN MALFORMED POLICY_HIDDEN
 *                     |                  |      | TTL_EXCEEDED TOO_BIG UNTRANSLATED REWRITE_FAILED
 * sl_continue_session | route/route.h    | FEPD | SOURCE NO_WAY_BACK POLICY_DENY POLICY_REJECT
 *                     |                  |      | TTL_EXCEEDED TOO_BIG COLLISION
 * sl_plan_session     | route/open.h     | CPD  | SOURCE NOT_FORWARDED TTL_EXCEEDED TOO_BIG
 * sl_enter_session    | route/open.h     | FPD  | SOURCE
 * sl_admit_session    | route/open.h     | CPD  | DETECTED POLICY_DENY POLICY_REJECT
 * sl_nat_source       | nat/nat.h        | CD   | UNTRANSLATED NOT_TRANSLATABLE PORTS_EXHAUSTED
 *                     |                  |      | BINDINGS_FULL HOST_QUOTA COLLISION
 *                     |                  |      | FRAGMENT_ORPHAN
 * sl_session_insert   | flow/session.h   | FD   | FLOWS_FULL HOST_QUOTA COLLISION
 * sl_rewrite          | route/rewrite.h  | FD   | REWRITE_FAILED
 * sl_route_noted      | route/hidden.h   | HD   | FRAGMENT_ORPHAN
 * sl_cut              | route/cut.h      | FD   | REWRITE_FAILED
 * sl_held_next        | route/hold.h     | CFD  | REWRITE_FAILED
 * sl_tc_pass          | pass/pass.h      | FPDR | OUTSIDE
 * sl_track            | pass/track.h     | CD   | DETECTED POLICY_* ICMP_UNRELATED FRAGMENT_ORPHAN
 *                     |                  |      | MALFORMED COLLISION
 * sl_detect_arp       | detect/detect.h  | CD   | DETECTED
 *
 * Ports of the switch have these instead of the route, after guard, sight and police:
 *
 * sl_switch_receive   | switch/tc.h      | CD   | MALFORMED VLAN_* SWITCH_* DETECTED
 * sl_switch_forward   | switch/tc.h      | FD   | SWITCH_* REWRITE_FAILED
 * sl_tc_gateway_take  | switch/gateway.h | CPD  | REWRITE_FAILED
 * sl_tc_host          | switch/gateway.h | FDR  | OUTSIDE
 * sl_switch_send_to   | switch/tc.h      | FD   | SWITCH_NOWHERE SWITCH_MTU REWRITE_FAILED
 *
 * sl_tc_egress():
 *
 * sl_egress_judge     | pass/egress.h    | CD   | UNTRANSLATED
 * sl_parse            | lib/parse.h      | CPD  | MALFORMED
 * sl_guard_egress     | guard/egress.h   | CD   | GUARD_DELIVERY
 * sl_qos_leave        | qos/egress.h     | CD   | QOS_EGRESS
 * sl_track_sent       | pass/egress.h    | CD   | DETECTED POLICY_* ICMP_UNRELATED FRAGMENT_ORPHAN
 *                     |                  |      | MALFORMED COLLISION FLOWS_FULL HOST_QUOTA
 *
 * sl_start_sweeper(), for frames that were held:
 *
 * sl_held_drop        | sweep/held.h     | D    | FRAGMENT_ORPHAN
 */
#include "ctx/skb.h"
#include "block/block.h"
#include "lib/count.h"
#include "lib/event.h"
#include "lib/port.h"
#include "pass/egress.h"
#include "pass/pass.h"
#include "pass/shortcut.h"
#include "route/router.h"
#include "sweep/sweep.h"
#include "switch/gateway.h"
#include "switch/tc.h"

/* Drops what is from or to a listed address. A function for the sake of its caller's stack. */
static __noinline bool sl_tc_block(struct __sk_buff *ctx, const struct sl_port *port,
				   struct sl_port_stats *stats)
{
	if (!sl_blocked(ctx))
		return false;
	sl_count(&stats->rx[SL_COUNT_DROPPED], ctx_len(ctx));
	sl_report_drop(ctx, port->id, SL_DROP_BLOCKED, false);
	return true;
}

/* Tells the kernel what to do with the frame. Here alone verdicts become actions of TC. */
static __always_inline int sl_tc_action(enum sl_verdict verdict)
{
	if (likely(verdict == SL_SENT))
		return TC_ACT_REDIRECT;
	return verdict == SL_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int sl_tc_ingress(struct __sk_buff *ctx)
{
	const struct sl_port *port = sl_port_find(ctx_ifindex(ctx));
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_port_stats *stats;
	enum sl_verdict verdict;

	if (!port || !work)
		return TC_ACT_UNSPEC;
	stats = sl_port_stats_of(port->id);
	if (!stats)
		return TC_ACT_UNSPEC;
	sl_work_begin(work);
	work->len = ctx_len(ctx);
	sl_count(&stats->rx[SL_COUNT_OBSERVED], work->len);
	/* Even where XDP has looked: anybody may take XDP off an interface, at any time. */
	if (sl_block_any() && sl_tc_block(ctx, port, stats))
		return TC_ACT_SHOT;
	/* One after the other: within each other they would need too much stack. */
	if (!(port->flags & SL_PORT_SWITCHED)) {
		verdict = sl_tc_router(ctx, port, stats, work);
		if (likely(verdict == SL_TO_ROUTE))
			verdict = sl_tc_router_end(ctx, port, stats, work,
						   sl_route_parts(ctx, port, work));
		if (verdict == SL_TO_KERNEL)
			verdict = sl_tc_pass(ctx, port, stats, work);
		return sl_tc_action(verdict);
	}
	verdict = sl_tc_switch(ctx, port, stats, work);
	if (verdict == SL_TO_GATEWAY)
		verdict = sl_tc_gateway_end(ctx, port, stats, work, sl_tc_gateway(ctx, port, work));
	if (verdict == SL_TO_HOST)
		verdict = sl_tc_host(ctx, port, stats, work);
	return sl_tc_action(verdict);
}

static __always_inline int sl_egress_drop(struct __sk_buff *ctx, __u32 port, enum sl_drop why,
					  __u32 len)
{
	sl_count_tx(port, SL_COUNT_DROPPED, len);
	sl_report_drop(ctx, port, why, true);
	return TC_ACT_SHOT;
}

SEC("tc")
int sl_tc_egress(struct __sk_buff *ctx)
{
	__u32 ifindex = ctx_ifindex(ctx), len = ctx_len(ctx), mark = ctx->tc_index;
	const struct sl_port *port;
	enum sl_drop why;

	if (mark == SL_TC_INDEX_PORT) {
		ctx->tc_index = 0;
		return TC_ACT_UNSPEC;
	}
	port = sl_port_find(ifindex);
	if (!port)
		return TC_ACT_UNSPEC;
	/* What we sent into a segment may come to ports for which it is not. */
	why = sl_egress(ctx, port);
	if (why)
		return sl_egress_drop(ctx, port->id, why, len);
	if (mark == SL_TC_INDEX_SEGMENT || mark == SL_TC_INDEX_SWITCHED) {
		ctx->tc_index = 0;
		sl_count_tx(port->id, SL_COUNT_FORWARDED, len);
		return TC_ACT_UNSPEC;
	}
	if (port->flags & SL_PORT_TRACK)
		why = sl_track_sent(ctx, port);
	if (why)
		return sl_egress_drop(ctx, port->id, why, len);
	if (port->flags & SL_PORT_SHORTCUT)
		sl_shortcut_learn(ctx, port);
	sl_count_tx(port->id, SL_COUNT_PASSED, len);
	return TC_ACT_UNSPEC;
}

/*
 * Starts the sweeper. The loader runs it once when an instance is made or its programs are
 * replaced.
 */
SEC("tc")
int sl_start_sweeper(struct __sk_buff *ctx)
{
	return sl_sweeper_start();
}

char LICENSE[] SEC("license") = "GPL";
