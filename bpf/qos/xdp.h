/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves a port by XDP, past its egress program, is policed and gets its DSCP here. */
#ifndef SLUICE_BPF_QOS_XDP_H
#define SLUICE_BPF_QOS_XDP_H

#include "ctx/xdp.h"
#include "lib/dscp.h"
#include "qos/police.h"

/*
 * Polices a frame that leaves by a port past its egress program. Returns the reason against it, if
 * there is one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_police_out(struct xdp_md *ctx, __u32 port)
{
	const struct sl_qos *qos = sl_qos_of(port);
	struct sl_qos_state *state = sl_qos_state_of(port);
	struct sl_qos_stats *stats = sl_qos_stats_of(port);
	struct sl_wire wire;
	bool conforms;
	__u64 now;

	if (!qos || !state || !stats)
		return SL_DROP_NONE;
	wire = sl_wire(ctx);
	now = sl_bucket_now(&qos->out);
	conforms =
	    sl_conforms(&qos->out, &state->out.bytes_at, &stats->out_credit, now, wire.bytes);
	sl_qos_count(&stats->counts[conforms ? SL_QOS_OUT_CONFORMED : SL_QOS_OUT_EXCEEDED], &wire);
	if (likely(conforms))
		return SL_DROP_NONE;
	sl_throttled(&state->out, now);
	return SL_DROP_QOS_EGRESS;
}

/* Gives what is forwarded untagged the DSCP that it is to have; the others get theirs on TC. */
static __noinline void sl_xdp_mark(struct xdp_md *ctx, __u32 port, const struct sl_packet *pkt)
{
	const struct sl_qos *qos = sl_qos_of(port);
	struct iphdr *ip = ctx_data(ctx) + (pkt->l3_off & SL_L3_OFF_MASK);

	if (qos && qos->dscp != SL_DSCP_KEEP && (void *)(ip + 1) <= ctx_data_end(ctx))
		sl_write_dscp(ip, pkt->family == AF_INET, qos->dscp);
}

#endif
