/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop is found by a probe of ours that comes back, or by a MAC that keeps moving. Then a port is
 * closed: it neither takes nor gets frames (sluice/abi/switch.h).
 */
#ifndef SLUICE_BPF_SWITCH_LOOP_H
#define SLUICE_BPF_SWITCH_LOOP_H

#include "lib/event.h"
#include "lib/packet.h"
#include "lib/port.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "guard/own.h"

#define SL_LOOP_BLOCK_EPOCHS ((__u32)(SL_LOOP_BLOCK_SECONDS * 1000000000ull >> SL_EPOCH_SHIFT) + 1)

static __always_inline struct sl_switch_state *sl_switch_state_of(__u32 id)
{
	return bpf_map_lookup_elem(&sl_switch_states, &id);
}

static __always_inline bool sl_is_closed(const struct sl_switch_state *state)
{
	__u32 until = READ_ONCE(state->closed_until);

	return unlikely(until) && sl_epoch_now() < until;
}

static __always_inline void sl_close(__u32 id, enum sl_closed why, __u16 other, bool for_good)
{
	struct sl_switch_state *state = sl_switch_state_of(id);

	if (!state)
		return;
	state->closed_by = other;
	state->closed = why;
	WRITE_ONCE(state->closed_until,
		   for_good ? SL_CLOSED_FOR_GOOD : sl_epoch_now() + SL_LOOP_BLOCK_EPOCHS);
}

#define SL_LOOP_CLOSES (SL_SWITCH_LOOP_BLOCK | SL_SWITCH_LOOP_SHUT)

/* Closes one end of a loop, unless that is against its setting or the other end is closed by now.
 */
static __always_inline bool sl_loop_close(__u32 id, __u32 stays)
{
	const struct sl_switch_port *sp = sl_switch_port_of(id);
	const struct sl_switch_state *other = sl_switch_state_of(stays);

	if (!sp || !other || !(sp->flags & SL_LOOP_CLOSES))
		return false;
	if (id == stays || !sl_is_closed(other))
		sl_close(id, SL_CLOSED_LOOP, stays, sp->flags & SL_SWITCH_LOOP_SHUT);
	return true;
}

/*
 * Is port a the smaller loss? An access port goes before a trunk, an uplink and the host's own, as
 * enum sl_role has them in order; of equals the one with the higher id goes. So both ends of a
 * loop, and all CPUs, choose the same.
 */
static __always_inline bool sl_loop_prefers(__u32 a, __u32 b)
{
	const struct sl_switch_port *a_port = sl_switch_port_of(a), *b_port = sl_switch_port_of(b);

	if (!a_port || !b_port || a_port->role == b_port->role)
		return a > b;
	return a_port->role < b_port->role;
}

/*
 * Is a port that gets its own probe back to be left open? Whoever is in the segment behind it can
 * bring that about: a VM closes its own port by it, but behind a trunk or an uplink others would
 * pay. There it takes a setting that nobody has by default.
 */
static __always_inline bool sl_loop_spares(__u32 id)
{
	const struct sl_switch_port *sp = sl_switch_port_of(id);

	return sp && sp->role != SL_ROLE_ACCESS && !(sp->flags & SL_SWITCH_LOOP_SHUT);
}

/* Reacts to a probe that left by port `from`, which may be the same one, and came in by port id. */
__noinline int sl_loop_probed(struct sl_ctx *ctx, __u32 id, __u32 from)
{
	__u32 first = sl_loop_prefers(id, from) ? id : from, second = first == id ? from : id;

	if (!(id == from && sl_loop_spares(id)) && !sl_loop_close(first, second))
		sl_loop_close(second, first);
	sl_event_notice(ctx, id, SL_EVENT_LOOP, from);
	return 0;
}

/* Is it known from elsewhere than from frames that this MAC belongs to the port? */
static __always_inline bool sl_loop_owns(__u32 id, __u64 mac, __u16 vid)
{
	const struct sl_switch_port *sp = sl_switch_port_of(id);
	const struct sl_port *port = sp ? sl_port_find(sp->ifindex) : NULL;
	struct sl_lease_key key = {.domain = vid};
	const struct sl_guard *guard;
	const struct sl_lease *lease;
	__u32 index;

	if (!port)
		return false;
	index = port->guard;
	guard = index ? bpf_map_lookup_elem(&sl_guards, &index) : NULL;
	if (guard && sl_guard_find_mac(guard, mac))
		return true;
	sl_mac_bytes(mac, key.mac);
	lease = bpf_map_lookup_elem(&sl_leases, &key);
	return lease && lease->port == id;
}

/*
 * Reacts to a MAC that goes to and fro between two ports. Either may have borrowed it: which was
 * there first says nothing, since that may be the thief, and a port is closed by nothing that
 * another could bring about. So it is closed only if the MAC is known to be the other one's, by its
 * guard or a lease; and not an uplink for a VM's sake.
 */
__noinline int sl_loop_flaps(struct sl_ctx *ctx, __u32 id, __u32 other, __u64 mac, __u32 vid)
{
	bool here = sl_loop_owns(id, mac, vid), there = sl_loop_owns(other, mac, vid);
	__u32 home = here ? id : other, intruder = here ? other : id;
	const struct sl_switch_port *at_home = sl_switch_port_of(home);
	const struct sl_switch_port *outside = sl_switch_port_of(intruder);

	if (here != there && at_home && outside && outside->role <= at_home->role)
		sl_loop_close(intruder, home);
	sl_event_notice(ctx, id, SL_EVENT_LOOP, other);
	return 0;
}

/*
 * Tells the id of the port that the frame left by if it is a probe of ours; its payload is at off.
 * 0: it is none.
 */
static __always_inline __u16 sl_probe_from(struct sl_ctx *ctx, __u32 off)
{
	const struct sl_switch_state *state;
	struct sl_probe probe;

	if (ctx_load_bytes(ctx, off, &probe, sizeof(probe)) ||
	    probe.magic != bpf_htonl(SL_PROBE_MAGIC))
		return 0;
	state = sl_switch_state_of(bpf_ntohs(probe.port));
	return state && state->probe_cookie && state->probe_cookie == probe.cookie
		   ? bpf_ntohs(probe.port)
		   : 0;
}

#endif
