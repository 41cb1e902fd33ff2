/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was switched is sent here (TC): to one port, or a copy to each port of the VLAN, and a loop
 * probe after it. All goes by the egress program of its port, which judges and counts it.
 */
#ifndef SLUICE_BPF_SWITCH_FLOOD_H
#define SLUICE_BPF_SWITCH_FLOOD_H

#include "lib/bits.h"
#include "switch/switch.h"
#include "maps/work.h"

#define SL_PROBE_LEN   60
#define SL_PROBE_TICKS 477 /* 0.5 s */

/* Gives the frame this tag in place of the one it has. Returns 0, or a negative errno. */
static __always_inline int sl_retag(struct __sk_buff *ctx, struct sl_l2 *l2, __u32 tag)
{
	int err = 0;

	if (l2->tag == tag)
		return 0;
	if (l2->tag)
		err = bpf_skb_vlan_pop(ctx);
	if (!err && tag)
		err = bpf_skb_vlan_push(ctx, bpf_htons(SL_TAG_TPID(tag)), tag & 0xffff);
	l2->tag = tag;
	return err;
}

/* Does the frame, or each segment that it is to be cut into, fit the port? */
static __always_inline bool sl_switch_fits(struct __sk_buff *ctx, const struct sl_l2 *l2,
					   const struct sl_switch_port *out)
{
	__u32 len = 0;

	if (likely(l2->len <= out->mtu))
		return true;
	return ctx->gso_size && bpf_check_mtu(ctx, out->ifindex, &len, 0, BPF_MTU_CHK_SEGS) ==
				    BPF_MTU_CHK_RET_SUCCESS;
}

/* Is the port, which is in the frame's VLAN, one of those that are flooded? */
static __always_inline bool sl_flood_wants(const struct sl_switch_port *out, const struct sl_l2 *l2)
{
	if (l2->bpdu)
		return out->flags & SL_SWITCH_BPDU_FORWARD;
	switch (l2->kind) {
	case SL_STORM_BROADCAST:
		return out->flags & SL_SWITCH_BROADCAST;
	case SL_STORM_MULTICAST:
		return out->flags & SL_SWITCH_MULTICAST;
	default:
		return out->flags & SL_SWITCH_FLOOD;
	}
}

/* Finds the port that a copy is to be sent to, or NULL. */
static __always_inline const struct sl_switch_port *sl_flood_target(const struct sl_work *work,
								    __u32 id)
{
	const struct sl_switch_port *in = sl_switch_port_of(work->flood.in);
	const struct sl_switch_port *out = sl_switch_port_of(id);
	const struct sl_switch_state *state = sl_switch_state_of(id);

	if (!in || !out || !state || id == work->flood.in || !out->ifindex ||
	    !sl_vlan_has(out, work->l2.vid) || sl_switch_isolated(in, out) ||
	    !sl_flood_wants(out, &work->l2) || sl_is_closed(state))
		return NULL;
	return out;
}

static __always_inline void sl_flood_lost(struct __sk_buff *ctx, __u32 id, enum sl_drop why)
{
	sl_count_tx(id, SL_COUNT_DROPPED, ctx_len(ctx));
	sl_report_drop(ctx, id, why, true);
}

#define SL_ENOMEM 12

/* Sends a copy of the frame to this port, whose egress program counts what becomes of it. */
static __always_inline void sl_flood_copy(struct __sk_buff *ctx, struct sl_work *work, __u32 id)
{
	const struct sl_switch_port *out = sl_switch_port_of(id);

	if (!out)
		return;
	if (sl_retag(ctx, &work->l2, sl_vlan_leave(out, id, &work->l2)) ||
	    bpf_clone_redirect(ctx, out->ifindex, 0) == -SL_ENOMEM)
		sl_flood_lost(ctx, id, SL_DROP_REWRITE_FAILED);
}

static __always_inline bool sl_probe_due(const struct sl_switch_state *state)
{
	return !state->probe_tick || sl_tick_now() - state->probe_tick >= SL_PROBE_TICKS;
}

/*
 * Lets the port have the frame, if it is one of those that are flooded: the one before it is sent a
 * copy, for the last gets the frame itself.
 */
__noinline int sl_flood_one(struct __sk_buff *ctx, __u32 id)
{
	__u32 zero = 0, before;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_switch_state *state = sl_switch_state_of(id);
	const struct sl_switch_port *out = work ? sl_flood_target(work, id) : NULL;

	if (!work || !out || !state)
		return 0;
	if (!sl_switch_fits(ctx, &work->l2, out)) {
		sl_flood_lost(ctx, id, SL_DROP_SWITCH_MTU);
		return 0;
	}
	if (sl_probe_due(state))
		work->flood.probe = true;
	before = work->flood.last;
	work->flood.last = id;
	if (before)
		sl_flood_copy(ctx, work, before);
	return 0;
}

static __always_inline __u64 sl_probe_cookie(struct sl_switch_state *state)
{
	__u64 random;

	if (!state->probe_cookie) {
		random = (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32() | 1;
		__sync_val_compare_and_swap(&state->probe_cookie, 0, random);
	}
	return READ_ONCE(state->probe_cookie);
}

/* The frame's bytes from the Ethernet header on, but for what differs from port to port. */
struct sl_probe_frame {
	struct ethhdr eth;
	struct sl_probe probe;
	__u8 padding[SL_PROBE_LEN - sizeof(struct ethhdr) - sizeof(struct sl_probe)];
} __attribute__((packed));

/* Makes the frame the probe, after it has been copied to all ports but for nothing else. */
static __always_inline int sl_probe_make(struct __sk_buff *ctx, struct sl_l2 *l2)
{
	struct sl_probe_frame frame = {
	    .eth = {.h_dest = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		    .h_proto = bpf_htons(SL_PROBE_ETHERTYPE)},
	};

#pragma unroll
	for (int i = 0; i < 4; i++) /* one tag of the switch's, others of the frame's own */
		if (ctx->vlan_present || sl_is_tpid(ctx->protocol))
			bpf_skb_vlan_pop(ctx);
	l2->tag = 0;
	l2->inner = false;
	if (ctx->vlan_present || bpf_skb_change_tail(ctx, SL_PROBE_LEN, 0))
		return -1;
	return bpf_skb_store_bytes(ctx, 0, &frame, sizeof(frame), 0);
}

/* Sends the probe by this port if it is due there. Its source is a MAC of the port's own. */
__noinline int sl_probe_one(struct __sk_buff *ctx, __u32 id)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_switch_state *state = sl_switch_state_of(id);
	struct sl_probe probe = {.magic = bpf_htonl(SL_PROBE_MAGIC), .port = bpf_htons(id)};
	__u8 source[ETH_ALEN] = {2};

	if (!work || !state || !sl_flood_target(work, id) || !sl_probe_due(state))
		return 0;
	state->probe_tick = sl_tick_now() ?: 1;
	probe.vlan = bpf_htons(work->l2.vid);
	probe.cookie = sl_probe_cookie(state);
	__builtin_memcpy(source + 1, &probe.cookie, ETH_ALEN - 1);
	if (sl_retag(ctx, &work->l2, 0) ||
	    bpf_skb_store_bytes(ctx, offsetof(struct ethhdr, h_source), source, sizeof(source),
				0) ||
	    bpf_skb_store_bytes(ctx, sizeof(struct ethhdr), &probe, sizeof(probe), 0))
		return 0;
	sl_flood_copy(ctx, work, id);
	return 0;
}

/* What a walk over the ports of a VLAN needs to know. */
struct sl_walk {
	struct __sk_buff *ctx;
	__u32 vid;
	bool probe;
};

/* Visits 64 ports of a VLAN. */
static long sl_walk_word(__u32 word, struct sl_walk *walk)
{
	__u32 index = walk->vid;
	const struct sl_vlan_members *members = bpf_map_lookup_elem(&sl_vlan_members, &index);
	__u64 ports;

	if (!members || word >= SL_MAX_PORTS / 64)
		return 1;
	ports = members->ports[word];
	for (int i = 0; i < 64 && ports; i++) {
		__u32 id = word * 64 + sl_lowest_bit(ports);

		ports &= ports - 1;
		if (walk->probe)
			sl_probe_one(walk->ctx, id);
		else
			sl_flood_one(walk->ctx, id);
	}
	return 0;
}

/*
 * Floods the frame.
 * SL_SENT: the last port gets the frame itself. SL_SPENT: copies alone were sent. SL_DROP with
 * work->pkt.reason: no port was to have it.
 */
static __always_inline enum sl_verdict sl_flood(struct __sk_buff *ctx, struct sl_work *work)
{
	struct sl_walk walk = {.ctx = ctx, .vid = work->l2.vid};
	const struct sl_switch_port *last;

	ctx_mark_switched(ctx);
	bpf_loop(SL_MAX_PORTS / 64, sl_walk_word, &walk, 0);
	if (!work->flood.last)
		return sl_refuse(&work->pkt, SL_DROP_SWITCH_NOWHERE);
	if (likely(!work->flood.probe)) {
		last = sl_switch_port_of(work->flood.last);
		if (!last ||
		    sl_retag(ctx, &work->l2, sl_vlan_leave(last, work->flood.last, &work->l2))) {
			sl_flood_lost(ctx, work->flood.last, SL_DROP_REWRITE_FAILED);
			return SL_SPENT;
		}
		bpf_redirect(last->ifindex, 0);
		return SL_SENT;
	}
	sl_flood_copy(ctx, work, work->flood.last);
	if (!sl_probe_make(ctx, &work->l2)) {
		walk.probe = true;
		bpf_loop(SL_MAX_PORTS / 64, sl_walk_word, &walk, 0);
	}
	return SL_SPENT;
}

#endif
