/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Later fragments that have overtaken their first one (TC) are held, and sent behind it (RFC 4787
 * REQ-14). They are held for a short time, and a port has few places, so that nobody fills
 * another's. A frame is counted when it goes on: as forwarded, or, by the sweeper, as an orphan.
 */
#ifndef SLUICE_BPF_ROUTE_HOLD_H
#define SLUICE_BPF_ROUTE_HOLD_H

#include "lib/count.h"
#include "lib/parse.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "route/cut.h"
#include "route/fragment.h"
#include "maps/work.h"

static __always_inline struct sl_held *sl_held_of(__u32 port, __u32 place)
{
	__u32 index = port % SL_HELD_PORTS * SL_HELD_PLACES + place;

	return bpf_map_lookup_elem(&sl_held, &index);
}

/* Makes the place ours alone, if its state is as told. */
static __always_inline bool sl_held_seize(struct sl_held *held, __u32 state)
{
	return __sync_val_compare_and_swap(&held->state, state, SL_HELD_BUSY) == state;
}

static __always_inline void sl_held_leave(struct sl_held *held, __u32 state)
{
	__sync_lock_test_and_set(&held->state, state);
}

static __always_inline bool sl_held_expired(const struct sl_held *held)
{
	return sl_tick_now() - held->tick >= SL_HELD_TICKS;
}

/* Makes a length that the verifier believes to be of a frame that has room. */
static __always_inline __u32 sl_held_length(__u32 length)
{
	length--;
	barrier_var(length);
	return (length & (SL_HELD_BYTES - 1)) + 1;
}

static __always_inline bool sl_held_fill(struct __sk_buff *ctx, struct sl_held *held,
					 const struct sl_packet *pkt, __u32 port)
{
	__u32 length = ctx_len(ctx);

	if (!length || length > SL_HELD_BYTES ||
	    bpf_skb_load_bytes(ctx, 0, held->frame, sl_held_length(length)))
		return false;
	sl_fragment_key(pkt, port, &held->key);
	held->length = length;
	held->tick = sl_tick_now();
	return true;
}

/* Holds the later fragment in work->pkt, if it can. Global: the verifier looks once. */
__noinline int sl_hold(struct __sk_buff *ctx, __u32 port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	bool filled;

	if (!work)
		return false;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_HELD_PLACES; i++) {
		struct sl_held *held = sl_held_of(port, i);

		if (!held)
			return false;
		if (!sl_held_seize(held, SL_HELD_FREE))
			continue;
		filled = sl_held_fill(ctx, held, &work->pkt, port);
		sl_held_leave(held, filled ? SL_HELD_FULL : SL_HELD_FREE);
		return filled;
	}
	return false;
}

/* Finds a place with a fragment of the packet, which is ours alone then. */
static __always_inline struct sl_held *sl_held_find(const struct sl_fragment_key *key, __u32 port)
{
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < SL_HELD_PLACES; i++) {
		struct sl_held *held = sl_held_of(port, i);

		if (!held)
			break;
		if (READ_ONCE(held->state) != SL_HELD_FULL ||
		    __builtin_memcmp(&held->key, key, sizeof(*key)) ||
		    !sl_held_seize(held, SL_HELD_FULL))
			continue;
		/* Between the look and the hand it may have become another's. */
		if (!sl_held_expired(held) && !__builtin_memcmp(&held->key, key, sizeof(*key)))
			return held;
		sl_held_leave(held, SL_HELD_FULL);
	}
	return NULL;
}

/* Makes the frame the one that was held. Returns 0, or a negative errno. */
static __always_inline int sl_held_load(struct __sk_buff *ctx, const struct sl_held *held)
{
	if (sl_cut_forget(ctx, SL_HELD_BYTES) || bpf_skb_change_tail(ctx, held->length, 0))
		return -1;
	return bpf_skb_store_bytes(ctx, 0, held->frame, sl_held_length(held->length),
				   BPF_F_INVALIDATE_HASH);
}

/* Sends and counts the frame in work->pkt. The egress program of the port counts it there. */
static __always_inline void sl_held_precede(struct __sk_buff *ctx, const struct sl_port *port,
					    struct sl_port_stats *stats, struct sl_work *work)
{
	sl_count(&stats->rx[SL_COUNT_FORWARDED], work->len);
	if (port->flags & SL_PORT_SWITCHED)
		sl_vlan_count(work->l2.vid, SL_VLAN_ROUTED, work->len);
	ctx->tc_index = SL_TC_INDEX_SEGMENT;
	bpf_clone_redirect(ctx, work->hop.ifindex, 0);
}

/*
 * Looks for others of its packet when the fragment in work->pkt is ready to leave by work->hop.
 * Global: the verifier looks once.
 * SL_CONTINUE: the fragment was sent, and the frame is now one that was held, for sl_route().
 * SL_FORWARD: it is the last one, or the neighbour is not resolved.
 */
__noinline enum sl_verdict sl_held_next(struct __sk_buff *ctx, const struct sl_port *port)
{
	__u32 zero = 0, id = port ? port->id : 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_port_stats *stats = sl_port_stats_of(id);
	struct sl_held *held;
	int err;

	if (!work || !port || !stats)
		return SL_DROP;
	sl_fragment_key(&work->pkt, id, &work->parts.key);
	held = sl_held_find(&work->parts.key, id);
	if (!held)
		return SL_FORWARD;
	if (!sl_copies_may_go(ctx, port, work)) {
		sl_held_leave(held, SL_HELD_FULL);
		return SL_FORWARD;
	}
	sl_held_precede(ctx, port, stats, work);
	work->len = held->length;
	sl_count(&stats->rx[SL_COUNT_OBSERVED], work->len);
	err = sl_held_load(ctx, held);
	sl_held_leave(held, SL_HELD_FREE);
	sl_work_begin(work);
	if (err)
		return sl_refuse(&work->pkt, SL_DROP_REWRITE_FAILED);
	return sl_parse(ctx, &work->pkt, port->domain);
}

/* Ends a frame that is held: it will be counted when it goes on. */
static __always_inline enum sl_verdict sl_held_end(struct sl_port_stats *stats,
						   const struct sl_work *work)
{
	stats->rx[SL_COUNT_OBSERVED].packets--;
	stats->rx[SL_COUNT_OBSERVED].bytes -= work->len;
	return SL_HELD;
}

#endif
