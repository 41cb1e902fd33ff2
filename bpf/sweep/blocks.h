/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This ends what is blocked for a time. */
#ifndef SLUICE_BPF_SWEEP_BLOCKS_H
#define SLUICE_BPF_SWEEP_BLOCKS_H

#include "maps/maps.h"

/*
 * Ends an entry whose time is over. Whoever blocks the address anew at this very instant finds bad
 * ones again soon.
 */
static long sl_visit_blocked(void *map, struct sl_block_key *key, struct sl_block_until *entry,
			     void *unused)
{
	__u32 zero = 0;
	struct sl_block_state *state = bpf_map_lookup_elem(&sl_block_state, &zero);

	if (bpf_ktime_get_coarse_ns() < READ_ONCE(entry->until))
		return 0;
	if (!bpf_map_delete_elem(&sl_block_until, key) && state)
		__sync_fetch_and_sub(&state->until, 1);
	return 0;
}

static __always_inline void sl_sweep_blocked(void)
{
	bpf_for_each_map_elem(&sl_block_until, sl_visit_blocked, NULL, 0);
}

#endif
