// SPDX-License-Identifier: GPL-2.0-only
/*
 * The TC full path: every port, all features. Ingress forwards, translates and opens sessions;
 * egress sees what the host itself sends and lets nothing leave that should have been translated.
 * What is not ours goes on to the next program and to the kernel as it came (TC_ACT_UNSPEC).
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

SEC("tc")
int sl_tc_ingress(struct __sk_buff *ctx)
{
	const struct sl_port *port = sl_port_find(ctx_ifindex(ctx));
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_port_stats *stats;
	int action;

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
		action = sl_tc_router(ctx, port, stats, work);
		if (likely(action == SL_TO_ROUTE))
			action = sl_tc_router_end(ctx, port, stats, work,
						  sl_route_parts(ctx, port, work));
		return action == SL_TO_KERNEL ? sl_tc_pass(ctx, port, stats, work) : action;
	}
	action = sl_tc_switch(ctx, port, stats, work);
	if (action == SL_TO_GATEWAY)
		action = sl_tc_gateway_end(ctx, port, stats, work, sl_tc_gateway(ctx, port, work));
	return action == SL_TO_HOST ? sl_tc_host(ctx, port, stats, work) : action;
}

static __always_inline int sl_egress_drop(struct __sk_buff *ctx, __u32 port, int why, __u32 len)
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
	int why;

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

/* Run once by the loader when an instance is made or its programs are replaced. */
SEC("tc")
int sl_start_sweeper(struct __sk_buff *ctx)
{
	return sl_sweeper_start();
}

char LICENSE[] SEC("license") = "GPL";
