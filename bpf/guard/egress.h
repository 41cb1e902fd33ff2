/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard looks at what leaves by its port (TC): frames for other MACs are not delivered, and the
 * answers of DHCP servers are looked at.
 */
#ifndef SLUICE_BPF_GUARD_EGRESS_H
#define SLUICE_BPF_GUARD_EGRESS_H

#include "lib/event.h"
#include "lib/parse.h"
#include "guard/own.h"
#include "guard/snoop.h"

/*
 * Judges a frame that is to leave by a guarded port. Returns the reason against it, if there is
 * one.
 */
static __always_inline enum sl_drop sl_guard_egress(struct sl_ctx *ctx, const struct sl_port *port,
						    const struct sl_packet *pkt)
{
	struct ethhdr *eth = ctx_data(ctx);
	__u32 index = port->guard;
	const struct sl_guard *guard = bpf_map_lookup_elem(&sl_guards, &index);
	__u64 to;

	if (!guard || (void *)(eth + 1) > ctx_data_end(ctx))
		return SL_DROP_NONE;
	to = sl_eth_dest(eth);
	if ((guard->checks & SL_GUARD_DELIVERY) && !(to & 1) &&
	    !sl_guard_own_mac(port, guard, to)) {
		if (!(guard->checks & SL_GUARD_AUDIT))
			return SL_DROP_GUARD_DELIVERY;
		sl_report_audit(ctx, port->id, SL_DROP_GUARD_DELIVERY, true);
	}
	if ((guard->checks & SL_GUARD_SNOOP) && sl_is_dhcp_answer(pkt))
		sl_snoop(ctx, port, guard, pkt);
	return SL_DROP_NONE;
}

#endif
