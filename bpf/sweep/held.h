/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This ends held fragments whose first one did not come. */
#ifndef SLUICE_BPF_SWEEP_HELD_H
#define SLUICE_BPF_SWEEP_HELD_H

#include "lib/count.h"
#include "route/hold.h"

static __always_inline void sl_held_drop(const struct sl_held *held)
{
	__u32 index = held->key.in_port * SL_DROP_MAX + SL_DROP_FRAGMENT_ORPHAN;
	struct sl_counter *drops = bpf_map_lookup_elem(&sl_drops, &index);

	sl_count_rx(held->key.in_port, SL_COUNT_DROPPED, held->length);
	if (drops)
		sl_count(drops, held->length);
}

static long sl_visit_held(void *map, __u32 *index, struct sl_held *held, void *unused)
{
	if (READ_ONCE(held->state) != SL_HELD_FULL || !sl_held_expired(held) ||
	    !sl_held_seize(held, SL_HELD_FULL))
		return 0;
	if (!sl_held_expired(held)) {
		sl_held_leave(held, SL_HELD_FULL);
		return 0;
	}
	sl_held_drop(held);
	sl_held_leave(held, SL_HELD_FREE);
	return 0;
}

static __always_inline void sl_sweep_held(void)
{
	bpf_for_each_map_elem(&sl_held, sl_visit_held, NULL, 0);
}

#endif
