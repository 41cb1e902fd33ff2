/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MAC table: who is where (sl_fdb). A frame whose source was seen on its port in this second
 * costs one look-up; all else is done by a function of its own.
 */
#ifndef SLUICE_BPF_STAGE_LEARN_H
#define SLUICE_BPF_STAGE_LEARN_H

#include "stage/loop.h"
#include "stage/vlan.h"

#define SL_LOOP_TICKS 954 /* 1 s */

static __always_inline __u64 sl_fdb_key(__u64 mac, __u16 vid)
{
	return mac | (__u64)vid << SL_FDB_MAC_BITS;
}

/* No frame comes from a group or from nobody. */
static __always_inline bool sl_is_source(__u64 mac)
{
	return mac && !(mac & 1);
}

static __always_inline bool sl_fdb_fresh(const struct sl_fdb *entry, __u32 now)
{
	__u32 zero = 0;
	const struct sl_settings *settings = bpf_map_lookup_elem(&sl_settings, &zero);

	/* Signed: a packet on another CPU may be an epoch ahead of us. */
	return settings && (entry->flags & SL_FDB_STATIC ||
			    (__s32)(now - READ_ONCE(entry->seen)) <= (__s32)settings->mac_age);
}

/* The port behind which a MAC is, 0 if that is not known. */
static __always_inline __u16 sl_fdb_port(__u64 mac, __u16 vid)
{
	__u64 key = sl_fdb_key(mac, vid);
	const struct sl_fdb *entry = bpf_map_lookup_elem(&sl_fdb, &key);

	return entry && sl_fdb_fresh(entry, sl_epoch_now()) ? READ_ONCE(entry->port) : 0;
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

static __always_inline int sl_learn_new(struct sl_ctx *ctx, __u32 port,
					const struct sl_switch_port *sp,
					struct sl_switch_state *state, __u64 key)
{
	struct sl_fdb entry = {.seen = sl_epoch_now(), .port = port};

	if (!sl_learn_admit(sp, state))
		return SL_DROP_SWITCH_MAC_LIMIT;
	if (bpf_map_push_elem(&sl_tickets_fdb, &key, 0)) {
		sl_macs_learned(state, -1);
		sl_event_notice(ctx, port, SL_EVENT_MACS_FULL, 0);
		return 0;
	}
	/* A ticket without an entry goes at the sweeper's next visit. */
	if (bpf_map_update_elem(&sl_fdb, &key, &entry, BPF_NOEXIST)) {
		sl_macs_learned(state, -1);
		if (!bpf_map_lookup_elem(&sl_fdb, &key))
			sl_event_notice(ctx, port, SL_EVENT_MACS_FULL, 0);
	}
	return 0;
}

/* Counts the moves of a MAC to and fro between two ports, from the one on where it was at first. */
static __always_inline __u32 sl_learn_flaps(struct sl_fdb *entry, __u32 port)
{
	__u32 now = sl_tick_now();

	if (entry->moved_from != port || now - entry->move_tick >= SL_LOOP_TICKS) {
		entry->move_tick = now;
		entry->moves = 0;
	}
	return ++entry->moves;
}

/* The MAC was seen elsewhere just now. An odd move took it away from home. */
static __always_inline void sl_learn_report_move(struct sl_ctx *ctx, __u32 port, __u32 from,
						 __u32 moves)
{
	bool away = moves & 1;

	sl_event_notice(ctx, port, SL_EVENT_MAC_MOVED, from);
	if (moves >= SL_LOOP_MOVES)
		sl_loop_flaps(ctx, port, away ? from : port, away ? port : from);
}

/* The MAC is known on another port. Of several CPUs one moves it. */
static __always_inline int sl_learn_moved(struct sl_ctx *ctx, __u32 port,
					  const struct sl_switch_port *sp,
					  struct sl_switch_state *state, struct sl_fdb *entry)
{
	__u32 *where = (__u32 *)&entry->port, was = READ_ONCE(*where), from = was & 0xffff;
	struct sl_switch_state *from_state = sl_switch_state_of(from);
	bool fresh = sl_fdb_fresh(entry, sl_epoch_now());
	__u32 moves;

	if (!sl_learn_admit(sp, state))
		return SL_DROP_SWITCH_MAC_LIMIT;
	moves = sl_learn_flaps(entry, port);
	if (from == port || __sync_val_compare_and_swap(where, was, port | from << 16) != was) {
		sl_macs_learned(state, -1);
		return 0;
	}
	WRITE_ONCE(entry->seen, sl_epoch_now());
	if (from_state)
		sl_macs_learned(from_state, -1);
	if (fresh)
		sl_learn_report_move(ctx, port, from, moves);
	return 0;
}
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_fdb, port) % 4 == 0 &&
		     __builtin_offsetof(struct sl_fdb, moved_from) ==
			 __builtin_offsetof(struct sl_fdb, port) + 2,
		 "they change together");

/* The gateway's MAC is the host's alone. */
static __always_inline bool sl_is_gateway(__u64 mac, __u16 vid, __u16 port)
{
	__u32 index = vid;
	const struct sl_vlan *vlan = bpf_map_lookup_elem(&sl_vlans, &index);

	return vlan && vlan->l3_ifindex && vlan->port != port && sl_mac_number(vlan->mac) == mac;
}

/* A source that was not seen here in this second. 0, or an enum sl_drop. */
__noinline int sl_learn_slow(struct sl_ctx *ctx, __u32 port, __u64 mac, __u32 vid)
{
	const struct sl_switch_port *sp = sl_switch_port_of(port);
	struct sl_switch_state *state = sl_switch_state_of(port);
	__u64 key = sl_fdb_key(mac, vid);
	struct sl_fdb *entry;
	bool known;

	if (!sp || !state)
		return SL_DROP_SWITCH_CLOSED;
	if (!sl_is_source(mac))
		return SL_DROP_MALFORMED;
	if (sl_is_gateway(mac, vid, port))
		return SL_DROP_SWITCH_STATIC;
	entry = bpf_map_lookup_elem(&sl_fdb, &key);
	known = entry && sl_fdb_fresh(entry, sl_epoch_now());
	if (known && entry->port != port && (entry->flags & SL_FDB_STATIC))
		return SL_DROP_SWITCH_STATIC;
	if ((sp->flags & SL_SWITCH_LOCKED) && !(known && entry->port == port))
		return SL_DROP_SWITCH_LOCKED;
	if (entry && entry->port == port) {
		WRITE_ONCE(entry->seen, sl_epoch_now());
		return 0;
	}
	if (!(sp->flags & SL_SWITCH_LEARN))
		return 0;
	return entry ? sl_learn_moved(ctx, port, sp, state, entry)
		     : sl_learn_new(ctx, port, sp, state, key);
}

/* Was the frame's source seen on this port in this second, or the one before? Then it is now. */
static __always_inline bool sl_learn_known(__u16 port, const struct sl_l2 *l2)
{
	__u64 key = sl_fdb_key(l2->src, l2->vid);
	struct sl_fdb *entry = bpf_map_lookup_elem(&sl_fdb, &key);
	__u32 now = sl_epoch_now(), seen;

	if (!entry || READ_ONCE(entry->port) != port)
		return false;
	seen = READ_ONCE(entry->seen);
	if (unlikely(seen != now)) {
		if (now - seen != 1)
			return false;
		WRITE_ONCE(entry->seen, now);
	}
	return true;
}

/* Notes where the frame's source is. 0, or an enum sl_drop. */
static __always_inline int sl_learn(struct sl_ctx *ctx, __u16 port, const struct sl_l2 *l2)
{
	return likely(sl_learn_known(port, l2)) ? 0 : sl_learn_slow(ctx, port, l2->src, l2->vid);
}

#endif
