/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policers drop what is more than a port's rate, on both hooks. */
#ifndef SLUICE_BPF_QOS_POLICE_H
#define SLUICE_BPF_QOS_POLICE_H

#include "lib/bucket.h"
#include "lib/count.h"
#include "lib/time.h"
#include "lib/wire.h"
#include "maps/maps.h"

static __always_inline const struct sl_qos *sl_qos_of(__u32 port)
{
	return bpf_map_lookup_elem(&sl_qos, &port);
}

static __always_inline struct sl_qos_state *sl_qos_state_of(__u32 port)
{
	return bpf_map_lookup_elem(&sl_qos_states, &port);
}

static __always_inline struct sl_qos_stats *sl_qos_stats_of(__u32 port)
{
	return bpf_map_lookup_elem(&sl_qos_stats, &port);
}

static __always_inline void sl_qos_count(struct sl_counter *counter, const struct sl_wire *wire)
{
	counter->packets += wire->frames;
	counter->bytes += wire->bytes;
}

/*
 * Reads the bucket's clock. The one that steps by jiffies is a load, the other one costs 20 ns. A
 * bucket that is never ahead of the former gives no more than its burst, if that is a jiffy longer:
 * the loader sees to it.
 */
static __always_inline __u64 sl_bucket_now(const struct sl_bucket *bucket)
{
	__u64 now = bucket->flags & SL_BUCKET_FINE ? bpf_ktime_get_ns() : sl_clock();

	return now << SL_BUCKET_TIME_SHIFT;
}

/* Notes that frames are over the rate. One soon after the other, they make a time of throttling. */
static __noinline void sl_throttled(struct sl_bucket_state *state, __u64 now)
{
	__u64 last = READ_ONCE(state->over_at);

	now >>= SL_BUCKET_TIME_SHIFT;
	if (now == last || __sync_val_compare_and_swap(&state->over_at, last, now) != last)
		return;
	if (now - last < SL_THROTTLE_GAP_NS)
		__sync_fetch_and_add(&state->throttled, now - last);
}

static __always_inline bool sl_conforms(const struct sl_bucket *bucket, __u64 *at, __u64 *credit,
					__u64 now, __u32 bytes)
{
	if (!bucket->flags)
		return true;
	return !(bucket->flags & SL_BUCKET_BLOCKED) &&
	       sl_bucket_take(bucket, at, credit, now, bytes);
}

#define SL_FRAMES_MOST 1024 /* at a time; their cost at 1 packet a second fits in 64 bits */

/* May so many packets more enter now? */
static __always_inline bool sl_frames_conform(const struct sl_qos *qos, struct sl_qos_state *state,
					      __u32 frames)
{
	const struct sl_bucket *bucket = &qos->in_frames;

	if (likely(!bucket->flags))
		return true;
	return !(bucket->flags & SL_BUCKET_BLOCKED) &&
	       !sl_bucket_charge(bucket, &state->in.frames_at, sl_bucket_now(bucket), frames, 0);
}

/*
 * Polices a frame for which this CPU's credit does not do. Returns the reason against it, if there
 * is one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_police_in(struct sl_ctx *ctx, __u32 port)
{
	const struct sl_qos *qos = sl_qos_of(port);
	struct sl_qos_state *state = sl_qos_state_of(port);
	struct sl_qos_stats *stats = sl_qos_stats_of(port);
	struct sl_wire wire;
	__u32 frames;
	__u64 now;
	enum sl_drop why = SL_DROP_NONE;

	if (!qos || !state || !stats)
		return SL_DROP_NONE;
	wire = sl_wire(ctx);
	frames = wire.frames < SL_FRAMES_MOST ? wire.frames : SL_FRAMES_MOST;
	now = sl_bucket_now(&qos->in_bytes);
	if (!sl_frames_conform(qos, state, frames)) {
		why = SL_DROP_QOS_PPS;
	} else if (!sl_conforms(&qos->in_bytes, &state->in.bytes_at, &stats->in_credit, now,
				wire.bytes)) {
		if (qos->in_frames.flags)
			sl_bucket_refund(&qos->in_frames, &state->in.frames_at, frames);
		why = SL_DROP_QOS_RATE;
	}
	sl_qos_count(&stats->counts[why ? SL_QOS_IN_EXCEEDED : SL_QOS_IN_CONFORMED], &wire);
	if (unlikely(why))
		sl_throttled(&state->in, now);
	return why;
}

/*
 * Polices a frame that enters. Returns the reason against it, if there is one. Nearly all are paid
 * from this CPU's credit.
 */
static __always_inline enum sl_drop sl_police(struct sl_ctx *ctx, const struct sl_port *port)
{
	struct sl_wire wire = {.frames = 1};
	struct sl_qos_stats *stats;

	if (likely(!(port->qos & SL_QOS_POLICE)))
		return SL_DROP_NONE;
	wire.bytes = ctx_len(ctx);
	stats = sl_qos_stats_of(port->id);
	if (!stats || (port->qos & SL_QOS_SINGLY) || ctx_is_gso(ctx) || ctx_vlan_offloaded(ctx) ||
	    stats->in_credit < wire.bytes)
		return sl_police_in(ctx, port->id);
	stats->in_credit -= wire.bytes;
	sl_qos_count(&stats->counts[SL_QOS_IN_CONFORMED], &wire);
	return SL_DROP_NONE;
}

#endif
