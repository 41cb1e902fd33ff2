/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This ends MACs that were silent for too long: every slot of the table has its turn. */
#ifndef SLUICE_BPF_SWEEP_FDB_H
#define SLUICE_BPF_SWEEP_FDB_H

#include "switch/learn.h"

#define SL_FDB_UNMADE 1u /* sl_fdb.seen */
#define SL_FDB_ROUND  32 /* runs of the sweeper to visit every slot: 3 s */

static __always_inline void sl_fdb_uncount(__u32 counted)
{
	struct sl_switch_state *state = sl_switch_state_of(counted);

	if (counted && state)
		sl_macs_learned(state, -1);
}

/*
 * Ends an entry that is too old. A frame that comes at the same instant may mark the slot, which is
 * nobody's or another MAC's by then: at worst that MAC is learned anew.
 */
static __always_inline void sl_fdb_visit(struct sl_fdb *entry)
{
	if (!entry->key)
		return;
	if (!entry->port) {
		/* Being made, which takes no time. Twice so: its maker was killed. */
		if (entry->seen == SL_FDB_UNMADE)
			sl_fdb_release(entry);
		else
			WRITE_ONCE(entry->seen, SL_FDB_UNMADE);
	} else if (entry->seen == SL_FDB_STATIC) { /* it may have been learned before */
		sl_fdb_uncount(entry->counted);
		entry->counted = 0;
	} else if (!sl_fdb_fresh(entry, sl_epoch_now())) {
		/* From here on nobody moves it, which would uncount it as well. */
		sl_fdb_uncount(__sync_lock_test_and_set((__u32 *)&entry->port, 0) >> 16);
		sl_fdb_release(entry);
	}
}

static long sl_fdb_visit_bucket(__u32 i, __u32 *first)
{
	__u32 index = *first + i;
	struct sl_fdb_bucket *bucket = bpf_map_lookup_elem(&sl_fdb, &index);

	if (!bucket)
		return 1;
#pragma unroll
	for (__u32 slot = 0; slot < SL_FDB_SLOTS; slot++)
		sl_fdb_visit(&bucket->slots[slot]);
	return 0;
}

/* Visits a part of the table, from the bucket on where the last run ended, if any MAC may end. */
static __always_inline void sl_sweep_fdb(const struct sl_live *live, __u32 *next)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 first = *next, buckets, batch;

	if (!settings || !live->macs)
		return;
	buckets = settings->fdb_mask + 1;
	batch = buckets / SL_FDB_ROUND + 1;
	if (first >= buckets)
		first = 0;
	*next = first + batch;
	bpf_loop(batch, sl_fdb_visit_bucket, &first, 0);
}

#endif
