/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * These count for ports and VLANs; drop reasons are counted in lib/event.h. Counting never decides
 * a verdict. TC ingress counts OBSERVED where a packet comes in and its fate where it goes, so that
 * an exit that forgets to count shows.
 */
#ifndef SLUICE_BPF_LIB_COUNT_H
#define SLUICE_BPF_LIB_COUNT_H

#include "maps/maps.h"

static __always_inline void sl_count(struct sl_counter *counter, __u32 bytes)
{
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline struct sl_port_stats *sl_port_stats_of(__u32 port)
{
	return bpf_map_lookup_elem(&sl_port_stats, &port);
}

/* Counts a packet that is observed and finished at one place, as XDP does. */
static __always_inline void sl_count_rx(__u32 port, enum sl_count what, __u32 bytes)
{
	struct sl_port_stats *stats = sl_port_stats_of(port);

	if (!stats)
		return;
	sl_count(&stats->rx[SL_COUNT_OBSERVED], bytes);
	sl_count(&stats->rx[what], bytes);
}

static __always_inline void sl_count_tx(__u32 port, enum sl_count what, __u32 bytes)
{
	struct sl_port_stats *stats = sl_port_stats_of(port);

	if (!stats)
		return;
	sl_count(&stats->tx[SL_COUNT_OBSERVED], bytes);
	sl_count(&stats->tx[what], bytes);
}

static __always_inline void sl_vlan_count(__u16 vid, __u32 what, __u32 bytes)
{
	__u32 index = vid;
	struct sl_vlan_stats *stats = bpf_map_lookup_elem(&sl_vlan_stats, &index);

	barrier_var(what); /* the verifier is to see the bound */
	if (stats && what < SL_VLAN_COUNTS)
		sl_count(&stats->counts[what], bytes);
}

#endif
