/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch notes in the MAC table (lib/fdb.h) where a frame's source is. A source that is known
 * on its port costs one look-up; all else is done by a function of its own.
 */
#ifndef SLUICE_BPF_SWITCH_LEARN_H
#define SLUICE_BPF_SWITCH_LEARN_H

#include "detect/detect.h"
#include "lib/fdb.h"
#include "lib/settings.h"
#include "switch/loop.h"
#include "switch/vlan.h"

#define SL_LOOP_TICKS 954 /* 1 s */

/* Can a frame come from this MAC? None comes from a group or from nobody. */
static __always_inline bool sl_is_source(__u64 mac)
{
	return mac && !(mac & 1);
}

static __always_inline void sl_macs_learned(struct sl_switch_state *state, __s32 change)
{
	__u32 zero = 0;
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);

	__sync_fetch_and_add(&state->learned, change);
	if (live)
		__sync_fetch_and_add(&live->macs, (__s64)change);
}

/* Makes room for one more MAC on the port, or says that there is none. */
static __always_inline bool sl_learn_admit(const struct sl_switch_port *sp,
					   struct sl_switch_state *state)
{
	sl_macs_learned(state, 1);
	if (!sp->mac_limit || READ_ONCE(state->learned) <= sp->mac_limit)
		return true;
	sl_macs_learned(state, -1);
	return false;
}

/* Gives a slot up. It is to be called while nobody finds, or knows, the slot. */
static __always_inline void sl_fdb_release(struct sl_fdb *entry)
{
	WRITE_ONCE(entry->port, 0);
	WRITE_ONCE(entry->counted, 0);
	WRITE_ONCE(entry->seen, SL_FDB_FORGOTTEN);
	__sync_lock_test_and_set(&entry->key, 0);
}

/*
 * Takes a free slot for the key. NULL: there is none, or another CPU has just made the entry. The
 * one of two that is found first stays.
 */
static __always_inline struct sl_fdb *sl_fdb_take(__u64 key)
{
	const struct sl_settings *settings = sl_settings_now();
	struct sl_fdb *slot;

	if (!settings)
		return NULL;
	slot = sl_fdb_find(settings, sl_fdb_hash(key, &settings->flow_seed), 0);
	if (!slot || __sync_val_compare_and_swap(&slot->key, 0, key) != 0)
		return NULL;
	if (sl_fdb_entry(key) == slot)
		return slot;
	sl_fdb_release(slot);
	return NULL;
}

/*
 * Does the port hold, with the MAC that is counted by now, more than there was room for others? So
 * no port, nor several together, can fill the table: each may have half of what the others leave.
 * What moves takes no room and is not asked.
 */
static __always_inline bool sl_macs_short(const struct sl_switch_state *state)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 zero = 0;
	const struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);

	return !settings || !live ||
	       READ_ONCE(state->learned) + READ_ONCE(live->macs) > (__u64)settings->max_macs + 1;
}

static __always_inline enum sl_drop sl_learn_new(struct sl_ctx *ctx, __u32 port,
						 const struct sl_switch_port *sp,
						 struct sl_switch_state *state, __u64 key)
{
	struct sl_fdb *entry;

	if (!sl_learn_admit(sp, state))
		return SL_DROP_SWITCH_MAC_LIMIT;
	entry = sl_macs_short(state) ? NULL : sl_fdb_take(key);
	if (!entry) {
		sl_macs_learned(state, -1);
		if (!sl_fdb_entry(key))
			sl_event_notice(ctx, port, SL_EVENT_MACS_FULL, 0);
		return SL_DROP_NONE;
	}
	sl_fdb_touch(entry);
	__sync_lock_test_and_set((__u32 *)&entry->port, port | port << 16);
	return SL_DROP_NONE;
}

/* Counts the moves of a MAC to and fro between two ports. */
static __always_inline __u32 sl_learn_flaps(__u64 key, __u32 port, __u32 from)
{
	struct sl_mac_moves *moves = bpf_map_lookup_elem(&sl_mac_moves, &key);
	struct sl_mac_moves first = {.tick = sl_tick_now(), .from = from, .moves = 1};

	if (!moves || moves->from != port || first.tick - moves->tick >= SL_LOOP_TICKS) {
		bpf_map_update_elem(&sl_mac_moves, &key, &first, BPF_ANY);
		return 1;
	}
	moves->from = from;
	return ++moves->moves;
}

/* Reports that the MAC was seen elsewhere just now. */
static __always_inline void sl_learn_report_move(struct sl_ctx *ctx, __u32 port, __u32 from,
						 __u64 key)
{
	sl_event_notice(ctx, port, SL_EVENT_MAC_MOVED, from);
	if (sl_learn_flaps(key, port, from) >= SL_LOOP_MOVES)
		sl_loop_flaps(ctx, port, from, key & SL_GUARD_MAC_BITS, key >> SL_FDB_MAC_BITS);
}

/* Moves a MAC that is known on another port. One of several CPUs does it. */
static __always_inline enum sl_drop sl_learn_moved(struct sl_ctx *ctx, __u32 port,
						   const struct sl_switch_port *sp,
						   struct sl_switch_state *state,
						   struct sl_fdb *entry, __u64 key)
{
	__u32 *where = (__u32 *)&entry->port, was = READ_ONCE(*where), from = was & 0xffff;
	struct sl_switch_state *counted = sl_switch_state_of(was >> 16);
	bool fresh = sl_fdb_fresh(entry, sl_epoch_now());

	if (!from) /* another CPU is making it, or the sweeper giving it up */
		return SL_DROP_NONE;
	if (!sl_learn_admit(sp, state))
		return SL_DROP_SWITCH_MAC_LIMIT;
	if (from == port || __sync_val_compare_and_swap(where, was, port | port << 16) != was) {
		sl_macs_learned(state, -1);
		return SL_DROP_NONE;
	}
	sl_fdb_touch(entry);
	if (was >> 16 && counted)
		sl_macs_learned(counted, -1);
	if (fresh)
		sl_learn_report_move(ctx, port, from, key);
	return SL_DROP_NONE;
}
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_fdb, port) % 4 == 0 &&
		     __builtin_offsetof(struct sl_fdb, counted) ==
			 __builtin_offsetof(struct sl_fdb, port) + 2,
		 "they change together");

/* Is it the gateway's MAC, on another port than the host's? It is the host's alone. */
static __always_inline bool sl_is_gateway(__u64 mac, __u16 vid, __u16 port)
{
	__u32 index = vid;
	const struct sl_vlan *vlan = bpf_map_lookup_elem(&sl_vlans, &index);

	return vlan && vlan->l3_ifindex && vlan->port != port && sl_mac_number(vlan->mac) == mac;
}

/*
 * Judges and learns a source that is not known here. Returns the reason against it, if there is
 * one.
 */
__noinline enum sl_drop sl_learn_slow(struct sl_ctx *ctx, __u32 port, __u64 mac, __u32 vid)
{
	const struct sl_switch_port *sp = sl_switch_port_of(port);
	struct sl_switch_state *state = sl_switch_state_of(port);
	__u64 key = sl_fdb_key(mac, vid);
	struct sl_fdb *entry;
	bool known;
	enum sl_drop why;

	if (!sp || !state)
		return SL_DROP_SWITCH_CLOSED;
	if (!sl_is_source(mac))
		return SL_DROP_MALFORMED;
	if (sl_is_gateway(mac, vid, port))
		return SL_DROP_SWITCH_STATIC;
	entry = sl_fdb_entry(key);
	known = entry && sl_fdb_fresh(entry, sl_epoch_now());
	if (known && entry->port != port && entry->seen == SL_FDB_STATIC)
		return SL_DROP_SWITCH_STATIC;
	if ((sp->flags & SL_SWITCH_LOCKED) && !(known && entry->port == port))
		return SL_DROP_SWITCH_LOCKED;
	/* What was flushed, or has aged, stays unknown where nothing is learned. */
	if (!(sp->flags & SL_SWITCH_LEARN))
		return SL_DROP_NONE;
	if (entry && entry->port == port) {
		sl_fdb_touch(entry);
		return SL_DROP_NONE;
	}
	why = entry ? SL_DROP_NONE : sl_detect_mac(ctx, port);
	if (unlikely(why))
		return why;
	return entry ? sl_learn_moved(ctx, port, sp, state, entry, key)
		     : sl_learn_new(ctx, port, sp, state, key);
}

/* Is the frame's source known on this port? Then it is noted as seen now. */
static __always_inline bool sl_learn_known(__u16 port, const struct sl_l2 *l2)
{
	struct sl_fdb *entry = sl_fdb_entry(sl_fdb_key(l2->src, l2->vid));
	__u32 now = sl_epoch_now(), seen;

	if (!entry || READ_ONCE(entry->port) != port)
		return false;
	seen = READ_ONCE(entry->seen);
	if (likely(seen == now || seen == SL_FDB_STATIC))
		return true;
	if (!sl_fdb_fresh(entry, now))
		return false;
	/* A flush that comes in between stands. */
	__sync_val_compare_and_swap(&entry->seen, seen, now);
	return true;
}

/* Notes where the frame's source is. Returns the reason against it, if there is one. */
static __always_inline enum sl_drop sl_learn(struct sl_ctx *ctx, __u16 port, const struct sl_l2 *l2)
{
	return likely(sl_learn_known(port, l2)) ? 0 : sl_learn_slow(ctx, port, l2->src, l2->vid);
}

#endif
