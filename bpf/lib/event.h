/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events tell what somebody should know, by a ring in shared memory (sluice/abi/event.h). Every
 * drop and every audit of both hooks is counted and reported here. Neither decides a verdict.
 */
#ifndef SLUICE_BPF_LIB_EVENT_H
#define SLUICE_BPF_LIB_EVENT_H

#include "lib/count.h"
#include "lib/time.h"
#include "maps/maps.h"

#define SL_EVENT_INTERVAL 954 /* ticks between two events of one port and subject: 1 s */

#define SL_EVENT_CPUS 1024 /* over how many a counter is summed */

#define SL_EVENT_MACS (2 * ETH_ALEN) /* bytes of a frame before its first tag */

struct sl_notice {
	__u16 port, other_port;
	__u8 kind, reason, egress, zero;
};

static __always_inline struct sl_event_limit *sl_event_limit(__u32 port, __u32 subject)
{
	__u32 index = port * SL_EVENT_SUBJECTS + (subject & (SL_EVENT_SUBJECTS - 1));

	return bpf_map_lookup_elem(&sl_event_limits, &index);
}

/* May an event be written now? If two CPUs come at once, one of them writes. */
static __always_inline bool sl_event_due(struct sl_event_limit *limit)
{
	__u32 now = sl_tick_now() ?: 1, last = READ_ONCE(limit->last);

	return (!last || now - last >= SL_EVENT_INTERVAL) &&
	       __sync_val_compare_and_swap(&limit->last, last, now) == last;
}

/*
 * Does the port have an event left? One VM can cause events of dozens of subjects and of every rule
 * of a policy: those of the others are to stay in the ring all the same. What is not written is
 * counted as if it were too early. Global: the verifier looks once.
 */
__noinline bool sl_event_affords(__u32 port, __u32 kind)
{
	bool of_frames =
	    kind == SL_EVENT_DROP || kind == SL_EVENT_AUDIT || kind == SL_EVENT_POLICY_LOG;
	struct sl_event_limit *budget =
	    sl_event_limit(port, of_frames ? SL_EVENT_BUDGET_FRAMES : SL_EVENT_BUDGET_OTHERS);
	__u32 now = sl_tick_now(), spent, credit;

	if (!budget)
		return false;
	spent = READ_ONCE(budget->last);
	credit = now - spent;
	if (credit > SL_EVENT_BURST * SL_EVENT_COST) /* but no CPU is ahead of this one, just now */
		credit = spent - now < SL_EVENT_COST ? 0 : SL_EVENT_BURST * SL_EVENT_COST;
	return credit >= SL_EVENT_COST &&
	       __sync_val_compare_and_swap(&budget->last, spent, now - credit + SL_EVENT_COST) ==
		   spent;
}

/*
 * Copies the beginning of the frame of `len` bytes as it was on the wire: a tag that the kernel has
 * taken out of it is put back. Returns how many bytes are there.
 */
static __always_inline __u32 sl_event_header(struct sl_ctx *ctx, __u8 *header, __u32 len)
{
	__u32 at = 0, from = 0, room = SL_EVENT_HEADER, last;

	if (ctx_vlan_offloaded(ctx)) {
		if (ctx_load_bytes(ctx, 0, header, SL_EVENT_MACS))
			return 0;
		ctx_vlan_tag(ctx, header + SL_EVENT_MACS);
		from = SL_EVENT_MACS;
		at = SL_EVENT_MACS + VLAN_HLEN;
		room -= at;
	}
	last = len - from > room ? room - 1 : len - from - 1;
	barrier_var(last); /* so that the verifier of Linux 6.1 knows both bounds of last + 1 */
	if (last >= room || ctx_load_bytes(ctx, from, header + at, last + 1))
		return at;
	return at + last + 1;
}

/*
 * Writes the next event. A reader sees by the number, which is written with the order of an atomic
 * exchange before and after the rest, whether it is whole.
 */
static __noinline void sl_event_write(struct sl_ctx *ctx, const struct sl_notice *notice,
				      __u32 repeats)
{
	__u32 zero = 0, slot, len = ctx_len(ctx);
	struct sl_event_head *head = bpf_map_lookup_elem(&sl_event_head, &zero);
	struct sl_event *event;
	__u64 number;

	if (!head)
		return;
	number = __sync_fetch_and_add(&head->newest, 1) + 1;
	slot = (number - 1) % SL_EVENTS;
	event = bpf_map_lookup_elem(&sl_events, &slot);
	if (!event)
		return;
	__sync_lock_test_and_set(&event->number, 0);
	event->time = bpf_ktime_get_ns();
	event->repeats = repeats;
	event->frame_len = len;
	event->port = notice->port;
	event->other_port = notice->other_port;
	event->kind = notice->kind;
	event->reason = notice->reason;
	event->egress = notice->egress;
	event->header_len = sl_event_header(ctx, event->header, len);
	__sync_lock_test_and_set(&event->number, number);
}

static __always_inline void sl_event_of(struct sl_ctx *ctx, const struct sl_notice *notice)
{
	struct sl_event_limit *limit = sl_event_limit(notice->port, SL_DROP_MAX + notice->kind);

	if (!limit)
		return;
	if (sl_event_due(limit) && sl_event_affords(notice->port, notice->kind))
		sl_event_write(ctx, notice, __sync_lock_test_and_set(&limit->counted, 0));
	else
		__sync_fetch_and_add(&limit->counted, 1);
}

/* Reports an event of a kind of its own, about the frame and another port (0: there is none). */
static __always_inline void sl_event_notice(struct sl_ctx *ctx, __u32 port, enum sl_event_kind kind,
					    __u32 other_port)
{
	struct sl_notice notice = {.port = port, .other_port = other_port, .kind = kind};

	sl_event_of(ctx, &notice);
}

/*
 * Sums the frames dropped and audited under a reason, over all CPUs, modulo 2^32 (Linux 5.19).
 * Global: the verifier looks once.
 */
__noinline __u32 sl_event_frames(__u32 index)
{
	__u32 frames = 0;

	for (__u32 cpu = 0; cpu < SL_EVENT_CPUS; cpu++) {
		struct sl_counter *drops = bpf_map_lookup_percpu_elem(&sl_drops, &index, cpu);
		struct sl_counter *audits = bpf_map_lookup_percpu_elem(&sl_audits, &index, cpu);

		if (!drops || !audits)
			break;
		frames += drops->packets + audits->packets;
	}
	return frames;
}

/* Reports a frame that is counted by now, together with those before it that were not reported. */
static __noinline void sl_event_counted(struct sl_ctx *ctx, const struct sl_notice *notice,
					struct sl_event_limit *limit, __u32 index)
{
	__u32 counted, before;

	if (!sl_event_affords(notice->port, notice->kind))
		return;
	counted = sl_event_frames(index);
	before = __sync_lock_test_and_set(&limit->counted, counted);
	sl_event_write(ctx, notice, counted - before - 1);
}

/* Has the policy reported the drop itself? It does so a rule at a time. */
static __always_inline bool sl_is_reported(__u32 reason)
{
	return reason == SL_DROP_POLICY_DENY || reason == SL_DROP_POLICY_REJECT;
}

/* Counts the frame, as it came, under its reason, and reports it. */
static __always_inline void sl_report(struct sl_ctx *ctx, void *counters,
				      const struct sl_notice *notice)
{
	__u32 index = notice->port * SL_DROP_MAX + (notice->reason & (SL_DROP_MAX - 1));
	struct sl_event_limit *limit = sl_event_limit(notice->port, notice->reason);
	struct sl_counter *counter = bpf_map_lookup_elem(counters, &index);

	if (!counter || !limit)
		return;
	sl_count(counter, ctx_len(ctx));
	if (unlikely(sl_event_due(limit)) && !sl_is_reported(notice->reason))
		sl_event_counted(ctx, notice, limit, index);
}

static __always_inline void sl_report_drop(struct sl_ctx *ctx, __u32 port, __u32 reason,
					   bool egress)
{
	struct sl_notice notice = {
	    .port = port, .kind = SL_EVENT_DROP, .reason = reason, .egress = egress};

	sl_report(ctx, &sl_drops, &notice);
}

/* Counts and reports a frame that the guard would drop, but is told only to look on. */
static __always_inline void sl_report_audit(struct sl_ctx *ctx, __u32 port, __u32 reason,
					    bool egress)
{
	struct sl_notice notice = {
	    .port = port, .kind = SL_EVENT_AUDIT, .reason = reason, .egress = egress};

	sl_report(ctx, &sl_audits, &notice);
}

#endif
