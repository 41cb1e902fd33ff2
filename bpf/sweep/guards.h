/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This ends what guards have learned: MACs after a silence, addresses with their DHCP lease. */
#ifndef SLUICE_BPF_SWEEP_GUARDS_H
#define SLUICE_BPF_SWEEP_GUARDS_H

#include "lib/time.h"
#include "maps/maps.h"

#define SL_LEARN_EPOCHS ((__u32)(SL_LEARN_SECONDS * 1000000000ull >> SL_EPOCH_SHIFT) + 1)

/*
 * Ends a MAC that was silent. The comparison is signed: a packet on another CPU may be an epoch
 * ahead of us.
 */
static long sl_visit_learned_mac(void *map, struct sl_port_mac *key, struct sl_learned_mac *learned,
				 void *unused)
{
	__u32 port = key->port;
	struct sl_guard_state *state = bpf_map_lookup_elem(&sl_guard_states, &port);

	if ((__s32)(sl_epoch_exact() - READ_ONCE(learned->last_seen)) < (__s32)SL_LEARN_EPOCHS)
		return 0;
	if (!bpf_map_delete_elem(&sl_learned_macs, key) && state)
		__sync_fetch_and_sub(&state->learned, 1);
	return 0;
}

static long sl_visit_learned_addr(void *map, struct sl_port_addr *key,
				  struct sl_learned_addr *learned, void *unused)
{
	if (sl_epoch_exact() >= READ_ONCE(learned->expires))
		bpf_map_delete_elem(&sl_learned_addrs, key);
	return 0;
}

static __always_inline void sl_sweep_learned(void)
{
	bpf_for_each_map_elem(&sl_learned_macs, sl_visit_learned_mac, NULL, 0);
	bpf_for_each_map_elem(&sl_learned_addrs, sl_visit_learned_addr, NULL, 0);
}

#endif
