/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of MACs that were silent for too long: each has its turn within seconds. */
#ifndef SLUICE_BPF_STAGE_FDB_SWEEP_H
#define SLUICE_BPF_STAGE_FDB_SWEEP_H

#include "stage/learn.h"

#define SL_FDB_ROUND 30	  /* runs of the sweeper to visit every MAC: 3 s */
#define SL_FDB_BATCH 1024 /* visits in one run, at least */
#define SL_FDB_SPARE 64

static __always_inline void sl_fdb_uncount(__u32 port)
{
	struct sl_switch_state *state = sl_switch_state_of(port);

	if (port && state)
		sl_macs_learned(state, -1);
}

/* Is the MAC of this ticket to be forgotten, or is there nothing to forget? */
static __always_inline bool sl_fdb_visit(__u64 key)
{
	struct sl_fdb *entry = bpf_map_lookup_elem(&sl_fdb, &key);
	__u32 port;

	if (!entry)
		return true;
	if (entry->flags & SL_FDB_STATIC) {
		sl_fdb_uncount(entry->moved_from);
		entry->moved_from = 0;
		return true;
	}
	if (sl_fdb_fresh(entry, sl_epoch_now()))
		return false;
	port = entry->port;
	if (!bpf_map_delete_elem(&sl_fdb, &key))
		sl_fdb_uncount(port);
	return true;
}

static long sl_visit_mac(__u32 index, void *unused)
{
	__u64 key;

	if (bpf_map_pop_elem(&sl_tickets_fdb, &key))
		return 1;
	if (!sl_fdb_visit(key))
		bpf_map_push_elem(&sl_tickets_fdb, &key, 0);
	return 0;
}

/* A little more than there are MACs: tickets whose MAC is gone are in the queue, too. */
static __always_inline void sl_sweep_fdb(__u64 macs)
{
	__u64 batch = macs / SL_FDB_ROUND, all = macs + SL_FDB_SPARE;

	if (batch < SL_FDB_BATCH)
		batch = SL_FDB_BATCH;
	bpf_loop(batch < all ? batch : all, sl_visit_mac, NULL, 0);
}

#endif
