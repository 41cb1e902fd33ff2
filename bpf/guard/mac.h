/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard judges the source MAC: it is listed, or one that the guard takes up on its own (bounded
 * learning for nested VMs; a MAC change inside the VM). Taking up is left to TC; XDP accepts what
 * TC has accepted within the running second.
 */
#ifndef SLUICE_BPF_GUARD_MAC_H
#define SLUICE_BPF_GUARD_MAC_H

#include "lib/event.h"
#include "guard/own.h"

/* A changed MAC makes room for the next when it was silent for more than this many epochs: 1 s. */
#define SL_MAC_CHANGE_EPOCHS 1

static __always_inline bool sl_guard_leased(const struct sl_port *port, const struct sl_packet *pkt,
					    __u64 mac)
{
	struct sl_lease_key key = sl_lease_key_of(port, pkt, mac);

	return bpf_map_lookup_elem(&sl_leases, &key) != NULL;
}

static __always_inline enum sl_drop sl_guard_learn(struct sl_ctx *ctx, const struct sl_port *port,
						   const struct sl_guard *guard,
						   struct sl_guard_state *state,
						   const struct sl_port_mac *key)
{
	struct sl_learned_mac entry = {.last_seen = sl_epoch_exact()};

	if (__sync_fetch_and_add(&state->learned, 1) >= guard->learn ||
	    bpf_map_update_elem(&sl_learned_macs, key, &entry, BPF_NOEXIST)) {
		__sync_fetch_and_sub(&state->learned, 1);
		return SL_DROP_GUARD_MAC;
	}
	sl_event_notice(ctx, port->id, SL_EVENT_MAC_LEARNED, 0);
	return SL_DROP_NONE;
}

/* Gives up a learned MAC that is leased to another, as soon as it is seen again. */
static __always_inline void sl_guard_unlearn(struct sl_guard_state *state,
					     const struct sl_port_mac *key)
{
	if (!bpf_map_delete_elem(&sl_learned_macs, key))
		__sync_fetch_and_sub(&state->learned, 1);
}

static __always_inline enum sl_drop sl_guard_change(struct sl_ctx *ctx, const struct sl_port *port,
						    struct sl_guard_state *state, __u64 mac,
						    __u32 now)
{
	__u64 last = READ_ONCE(state->changed_mac);

	if (last && now - READ_ONCE(state->changed_seen) <= SL_MAC_CHANGE_EPOCHS)
		return SL_DROP_GUARD_MAC;
	if (__sync_val_compare_and_swap(&state->changed_mac, last, mac) != last)
		return SL_DROP_GUARD_MAC;
	WRITE_ONCE(state->changed_seen, now);
	sl_event_notice(ctx, port->id, SL_EVENT_MAC_LEARNED, 0);
	return SL_DROP_NONE;
}

/*
 * Judges a source MAC that is not in the table, where the guard may accept such: see
 * sl_guard_special().
 */
__noinline enum sl_verdict sl_guard_other_mac(struct sl_ctx *ctx, const struct sl_port *port,
					      const struct sl_guard *guard, struct sl_packet *pkt,
					      __u64 mac)
{
	__u32 now = sl_epoch_exact();
	struct sl_guard_state *state;
	struct sl_learned_mac *learned;
	struct sl_port_mac key;
	bool changed;

	if (!port || !guard || !pkt)
		return SL_DROP;
	state = sl_guard_state_of(port);
	if (!state)
		return sl_refuse(pkt, SL_DROP_GUARD_MAC);
	key = sl_port_mac_key(port, mac);
	learned = guard->learn ? bpf_map_lookup_elem(&sl_learned_macs, &key) : NULL;
	changed = (guard->checks & SL_GUARD_MAC_CHANGE) && READ_ONCE(state->changed_mac) == mac;
	if ((learned && READ_ONCE(learned->last_seen) == now) ||
	    (changed && READ_ONCE(state->changed_seen) == now))
		return SL_CONTINUE;
	if (!ctx_is_last())
		return SL_PASS;
	if (sl_guard_leased(port, pkt, mac)) {
		if (learned)
			sl_guard_unlearn(state, &key);
		return sl_refuse(pkt, SL_DROP_GUARD_MAC);
	}
	if (learned) {
		WRITE_ONCE(learned->last_seen, now);
		return SL_CONTINUE;
	}
	if (changed) {
		WRITE_ONCE(state->changed_seen, now);
		return SL_CONTINUE;
	}
	if (guard->learn && !sl_guard_learn(ctx, port, guard, state, &key))
		return SL_CONTINUE;
	if (guard->checks & SL_GUARD_MAC_CHANGE)
		return sl_refuse_if(pkt, sl_guard_change(ctx, port, state, mac, now));
	return sl_refuse(pkt, SL_DROP_GUARD_MAC);
}

static __always_inline enum sl_verdict sl_guard_source_mac(struct sl_ctx *ctx,
							   const struct sl_port *port,
							   const struct sl_guard *guard,
							   struct sl_packet *pkt, __u64 mac)
{
	__u64 entry;

	if (!mac || (mac & 1)) /* nobody's; or a group's: IEEE 802.3 section 3.2.3 */
		return sl_refuse(pkt, SL_DROP_GUARD_MAC);
	entry = sl_guard_find_mac(guard, mac);
	if (entry & SL_GUARD_MAC_STANDBY)
		return sl_refuse(pkt, SL_DROP_GUARD_STANDBY);
	if (entry || !(guard->checks & SL_GUARD_MAC))
		return SL_CONTINUE;
	if (!guard->learn && !(guard->checks & SL_GUARD_MAC_CHANGE))
		return sl_refuse(pkt, SL_DROP_GUARD_MAC);
	return sl_guard_other_mac(ctx, port, guard, pkt, mac);
}

#endif
