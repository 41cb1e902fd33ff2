/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweeper: a kernel timer that has every session's ticket in its hand in turn, visits those
 * that may be over and ends the idle ones, and once a second what guards have learned, what is
 * blocked for a time and which rules of the policy expire. It runs with no process of ours alive, a
 * small batch at a time, and is the only one that ends sessions.
 */
#ifndef SLUICE_BPF_STAGE_SWEEP_H
#define SLUICE_BPF_STAGE_SWEEP_H

#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "stage/block_sweep.h"
#include "stage/fdb_sweep.h"
#include "stage/guard_sweep.h"
#include "stage/judge.h"
#include "stage/session.h"

#define SL_CLOCK_MONOTONIC   1
#define SL_SWEEP_INTERVAL_NS 100000000ull /* 100 ms */
#define SL_SWEEP_BATCH	     1024	  /* tickets of one table in one run, at least */
#define SL_SWEEP_ROUND	     100	  /* runs to have every ticket: 10 s */

struct sl_sweeper {
	struct bpf_timer timer;	      /* Linux 5.15 */
	__u32 epoch;		      /* in which the guards' maps were last looked through */
	__u32 fdb_next;		      /* bucket of sl_fdb to begin with */
	__u64 rechecked;	      /* sl_recheck_number() when all was last to be visited */
	__u64 unvisited4, unvisited6; /* tickets to go until all have been since */
};

/* What the visits of one run go by. */
struct sl_sweep_run {
	__u32 now;
	bool all; /* tickets that are not due, too */
};

SL_MAP(BPF_MAP_TYPE_ARRAY, sl_sweeper, __u32, struct sl_sweeper, 1, 0);

/* TCP is established when both sides have sent an ACK and none a FIN or RST. */
static __always_inline __u32 sl_tcp_timeout(const struct sl_settings *settings, __u8 seen,
					    __u8 seen_back)
{
	bool established =
	    (seen & seen_back & SL_TCP_ACK) && !((seen | seen_back) & (SL_TCP_FIN | SL_TCP_RST));

	return established ? settings->tcp_established_timeout : settings->tcp_transitory_timeout;
}

static __always_inline __u32 sl_timeout(const struct sl_settings *settings, __u8 proto, __u8 flags,
					__u8 seen, __u8 seen_back)
{
	if (flags & SL_FLOW_DENIED)
		return settings->tcp_transitory_timeout;
	switch (proto) {
	case IPPROTO_TCP:
		return sl_tcp_timeout(settings, seen, seen_back);
	case IPPROTO_UDP:
		return settings->udp_timeout;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return settings->icmp_timeout;
	default:
		return settings->other_timeout;
	}
}

/* Signed: a packet on another CPU may be a tick ahead of us. */
static __always_inline bool sl_is_later(__u32 tick, __u32 than)
{
	return (__s32)(tick - than) > 0;
}

/*
 * The tick at which the session is over if no packet comes. A TCP connection may be closed at any
 * time and has less time left then.
 */
static __always_inline __u32 sl_session_due(const struct sl_settings *settings, __u8 proto,
					    const struct sl_flow *flow,
					    const struct sl_flow *reverse, __u32 now)
{
	__u32 last = READ_ONCE(flow->last_seen), back = READ_ONCE(reverse->last_seen), due;

	if (sl_is_later(back, last))
		last = back;
	due = last + sl_timeout(settings, proto, flow->flags, flow->tcp_seen, reverse->tcp_seen);
	if (proto == IPPROTO_TCP && sl_is_later(due, now + settings->tcp_transitory_timeout))
		due = now + settings->tcp_transitory_timeout;
	return due;
}

/* The key in a slot, as a packet has it. */
static __always_inline void sl_flow_key_at(__u8 family, __u32 slot, union sl_key *key)
{
	__u32 count = family == AF_INET ? SL_KEY4_WORDS : SL_KEY6_WORDS;
	const sl_word *from = sl_flow_words(family, slot);
	sl_word *to = (sl_word *)key;

	if (!from)
		return;
#pragma unroll
	for (__u32 i = 0; i < count; i++)
		to[i] = from[i];
	to[count - 1] &= ~SL_FLOW_LIVE;
}

/* Ends the session of this ticket if it is over. True if it is gone. */
static __always_inline bool sl_visit(__u8 family, struct sl_ticket *ticket, __u32 now)
{
	struct sl_flow *flow = sl_flow_at(family, ticket->slot);
	struct sl_flow *reverse = sl_flow_at(family, ticket->reverse);
	const struct sl_birth *birth = sl_birth_at(family, ticket->slot);
	const struct sl_settings *settings = sl_settings_now();
	struct sl_flow ended, ended_back;
	struct sl_birth born;
	union sl_key key = {};
	__u8 proto;

	if (!flow || !reverse || !birth || !settings)
		return true;
	sl_flow_key_at(family, ticket->slot, &key);
	proto = family == AF_INET ? key.v4.proto : key.v6.proto;
	sl_judge_visited(family, &key, flow, reverse);
	ticket->due = sl_session_due(settings, proto, flow, reverse, now);
	if (!(flow->flags & SL_FLOW_FLUSH) && sl_is_later(ticket->due, now))
		return false;
	ended = *flow;
	ended_back = *reverse;
	born = *birth;
	sl_flow_remove(family, ticket->slot);
	sl_flow_remove(family, ticket->reverse);
	if (family == AF_INET)
		sl_session_unbind(&key, &ended);
	sl_session_uncount(family);
	if (ended.flags & SL_FLOW_TRACKED)
		sl_live_tracked(family, -1);
	sl_flow_log_write(SL_FLOW_ENDED, family, &key, &ended, &ended_back, &born);
	return true;
}

static __always_inline bool sl_is_visited(const struct sl_ticket *ticket,
					  const struct sl_sweep_run *run)
{
	return run->all || !sl_is_later(ticket->due, run->now);
}

/* There are never more sessions than places for tickets, so giving one back can't fail. */
static long sl_visit4(__u32 index, struct sl_sweep_run *run)
{
	struct sl_ticket ticket;

	if (bpf_map_pop_elem(&sl_tickets4, &ticket))
		return 1;
	if (!sl_is_visited(&ticket, run) || !sl_visit(AF_INET, &ticket, run->now))
		bpf_map_push_elem(&sl_tickets4, &ticket, 0);
	return 0;
}

static long sl_visit6(__u32 index, struct sl_sweep_run *run)
{
	struct sl_ticket ticket;

	if (bpf_map_pop_elem(&sl_tickets6, &ticket))
		return 1;
	if (!sl_is_visited(&ticket, run) || !sl_visit(AF_INET6, &ticket, run->now))
		bpf_map_push_elem(&sl_tickets6, &ticket, 0);
	return 0;
}

/*
 * Another number than before: sessions may be over that are not due, since they were flushed, a
 * timeout was changed, or there is another policy.
 */
static __always_inline __u64 sl_recheck_number(void)
{
	const struct sl_settings *settings = sl_settings_now();
	__u64 *asked, number = sl_policy_generation();
	__u32 zero = 0;

	asked = bpf_map_lookup_elem(&sl_recheck, &zero);
	if (!settings || !asked)
		return 0;
	number = sl_flow_mix(number, READ_ONCE(*asked));
	number = sl_flow_mix(number, settings->udp_timeout);
	number = sl_flow_mix(number, settings->tcp_established_timeout);
	number = sl_flow_mix(number, settings->tcp_transitory_timeout);
	number = sl_flow_mix(number, settings->icmp_timeout);
	return sl_flow_mix(number, settings->other_timeout);
}

/* Enough to be round in time, and nobody twice in one run. */
static __always_inline __u32 sl_sweep_batch(__u64 sessions)
{
	__u64 batch = sessions / SL_SWEEP_ROUND;

	if (batch < SL_SWEEP_BATCH)
		batch = SL_SWEEP_BATCH;
	return batch < sessions ? batch : sessions;
}

/* How the next `batch` tickets of a table are gone through, of which so many are still to be
 * visited whether they are due or not. */
static __always_inline struct sl_sweep_run sl_sweep_run(__u64 *unvisited, __u32 batch)
{
	struct sl_sweep_run run = {.now = sl_tick_now(), .all = *unvisited};

	*unvisited -= *unvisited < batch ? *unvisited : batch;
	return run;
}

static __always_inline void sl_sweep_sessions(struct sl_sweeper *sweeper,
					      const struct sl_live *live)
{
	__u32 batch4 = sl_sweep_batch(live->sessions4), batch6 = sl_sweep_batch(live->sessions6);
	__u64 number = sl_recheck_number();
	struct sl_sweep_run run;

	if (sweeper->rechecked != number) {
		sweeper->rechecked = number;
		sweeper->unvisited4 = live->sessions4;
		sweeper->unvisited6 = live->sessions6;
	}
	run = sl_sweep_run(&sweeper->unvisited4, batch4);
	bpf_loop(batch4, sl_visit4, &run, 0);
	run = sl_sweep_run(&sweeper->unvisited6, batch6);
	bpf_loop(batch6, sl_visit6, &run, 0);
}

static int sl_sweep(void *map, __u32 *key, struct sl_sweeper *sweeper)
{
	__u32 zero = 0, epoch = sl_epoch_now();
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);

	if (sweeper->epoch != epoch) {
		sweeper->epoch = epoch;
		sl_sweep_learned();
		sl_sweep_blocked();
		sl_policy_expire();
	}
	if (live) {
		sl_sweep_sessions(sweeper, live);
		sl_sweep_fdb(live, &sweeper->fdb_next);
	}
	bpf_timer_start(&sweeper->timer, SL_SWEEP_INTERVAL_NS, 0);
	return 0;
}

/* Arms the timer; the maps, not this program, keep it running. Safe to repeat. */
static __always_inline int sl_sweeper_start(void)
{
	__u32 zero = 0;
	struct sl_sweeper *sweeper = bpf_map_lookup_elem(&sl_sweeper, &zero);

	if (!sweeper)
		return -1;
	bpf_timer_init(&sweeper->timer, &sl_sweeper, SL_CLOCK_MONOTONIC);
	if (bpf_timer_set_callback(&sweeper->timer, sl_sweep))
		return -1;
	return bpf_timer_start(&sweeper->timer, SL_SWEEP_INTERVAL_NS, 0);
}

#endif
