/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sweeper is a kernel timer that walks through the flow tables, ends the sessions that are
 * idle, and frees the slots of those that have ended. Once a second it looks at what guards have
 * learned, what is blocked for a time, held fragments and which rules of the policy expire. It runs
 * with no process of ours alive, a small batch at a time.
 */
#ifndef SLUICE_BPF_SWEEP_SWEEP_H
#define SLUICE_BPF_SWEEP_SWEEP_H

#include "sluice/abi/session.h"
#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "sweep/blocks.h"
#include "sweep/fdb.h"
#include "sweep/guards.h"
#include "sweep/held.h"
#include "policy/judge.h"
#include "flow/session.h"

#define SL_CLOCK_MONOTONIC   1
#define SL_SWEEP_INTERVAL_NS 100000000ull /* 100 ms */
#define SL_SWEEP_ROUND	     100	  /* runs to be round a level: 10 s */
#define SL_SWEEP_HURRY	     10		  /* the same if somebody waits: 1 s */
#define SL_SWEEP_LEAST	     1024	  /* groups of a level in one run */
#define SL_SWEEP_MOST	     8192 /* so that other work of the CPU waits for a millisecond */

struct sl_sweeper {
	struct bpf_timer timer; /* Linux 5.15 */
	__u32 epoch;		/* in which the guards' maps were last looked through */
	__u32 fdb_next;		/* bucket of sl_fdb to begin with */
	__u64 rechecked;	/* sl_rules.recheck when it was last seen */
	__u32 hurry;		/* runs to go with short rounds */
	__u32 next4[SL_FLOW_LEVELS_MOST + 1]; /* groups of each level to go on with */
	__u32 next6[SL_FLOW_LEVELS_MOST + 1];
};

/* The groups of a level that one run visits. */
struct sl_sweep_run {
	__u32 family;
	__u32 begin, count; /* of the level */
	__u32 next;	    /* the first one, from `begin` on */
	__u32 now;	    /* tick */
};

/* Map sl_sweeper (array of one): the timer that ends sessions, and how far it has come. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_sweeper, __u32, struct sl_sweeper, 1, 0);

/*
 * Is the one tick later? The comparison is signed: a packet on another CPU may be a tick ahead of
 * us.
 */
static __always_inline bool sl_is_later(__u32 tick, __u32 than)
{
	return (__s32)(tick - than) > 0;
}

/* Is the session over if no packet comes? The later of its last packets counts. */
static __always_inline bool sl_session_over(const struct sl_settings *settings, __u8 proto,
					    const struct sl_flow *flow,
					    const struct sl_flow *reverse, __u32 now)
{
	__u32 last = READ_ONCE(flow->last_seen), back = READ_ONCE(reverse->last_seen);

	if (sl_is_later(back, last))
		last = back;
	last += sl_session_timeout(settings, proto, flow, reverse);
	return !sl_is_later(last, now);
}

/* Can it be over, by what its opening direction alone tells? That spares most visits a look-up. */
static __always_inline bool sl_session_may_be_over(const struct sl_settings *settings, __u8 proto,
						   const struct sl_flow *flow, __u32 now)
{
	const struct sl_flow none = {};
	__u32 least = sl_session_timeout(settings, proto, flow, &none);

	if (proto == IPPROTO_TCP && settings->tcp_established_timeout < least)
		least = settings->tcp_established_timeout;
	return !sl_is_later(READ_ONCE(flow->last_seen) + least, now);
}

/* Does what is due at a live entry that opened a session. */
static __always_inline void sl_visit(__u8 family, __u32 slot, struct sl_flow *flow, __u32 now)
{
	const struct sl_settings *settings = sl_settings_now();
	union sl_key key = {}, reverse_key = {};
	struct sl_flow *reverse;
	__u8 proto;

	if (!settings || !sl_flow_key_at(family, slot, &key))
		return;
	proto = sl_key_proto(family, &key);
	if (!(flow->flags & SL_FLOW_FLUSH) && !sl_rules_old(flow) &&
	    !sl_session_may_be_over(settings, proto, flow, now))
		return;
	sl_reverse_key(family, &key, flow, &reverse_key);
	reverse = sl_flow_get(family, &reverse_key);
	if (reverse && !(flow->flags & SL_FLOW_FLUSH)) {
		sl_judge_visited(family, &key, flow, reverse);
		if (!sl_session_over(settings, proto, flow, reverse, now))
			return;
	}
	sl_session_end(family, slot);
}

/* Frees a slot whose entry has died, when no packet can still be read by it. */
static __always_inline void sl_bury(__u8 family, __u32 slot, const struct sl_flow *flow, __u32 now)
{
	sl_word *mark = sl_flow_mark(family, slot);
	union sl_key key = {};

	if (!mark || now - READ_ONCE(flow->last_seen) < SL_DEAD_TICKS ||
	    !sl_flow_key_at(family, slot, &key))
		return;
	WRITE_ONCE(*mark, 0);
	sl_flow_give_back(family, slot, sl_flow_hash_of(family, &key));
}

static __always_inline void sl_sweep_slot_family(__u8 family, __u32 slot, __u32 now)
{
	struct sl_flow *flow = sl_flow_at(family, slot);
	const sl_word *mark = sl_flow_mark(family, slot);
	__u64 life;

	if (!flow || !mark)
		return;
	life = READ_ONCE(*mark);
	if (life & SL_FLOW_DEAD)
		sl_bury(family, slot, flow, now);
	else if ((life & SL_FLOW_LIVE) && (flow->flags & SL_FLOW_ORIG))
		sl_visit(family, slot, flow, now);
}

/* Visits a slot. Global: the verifier looks once. */
__noinline int sl_sweep_slot(__u32 family, __u32 slot, __u32 now)
{
	if (family == AF_INET)
		sl_sweep_slot_family(AF_INET, slot, now);
	else
		sl_sweep_slot_family(AF_INET6, slot, now);
	return 0;
}

static long sl_sweep_group(__u32 i, const struct sl_sweep_run *run)
{
	__u32 index = run->begin + (run->next + i) % (run->count ?: 1);
	const union sl_flow_group *group = sl_flow_group(run->family, index);

	if (!group)
		return 1;
#pragma clang loop unroll(disable)
	for (__u32 slot = 0; slot < SL_FLOW_SLOTS; slot++)
		if (READ_ONCE(group->tags[slot]))
			sl_sweep_slot(run->family, index * SL_FLOW_SLOTS + slot, run->now);
	return 0;
}

/* Tells how many groups of a level are visited in one run. */
static __always_inline __u32 sl_sweep_batch(__u32 groups, bool hurry)
{
	__u32 batch = groups / (hurry ? SL_SWEEP_HURRY : SL_SWEEP_ROUND);

	if (batch > SL_SWEEP_MOST)
		batch = SL_SWEEP_MOST;
	if (batch < SL_SWEEP_LEAST)
		batch = SL_SWEEP_LEAST;
	return batch < groups ? batch : groups;
}

/*
 * Visits the next groups of each level. In the first one, where few flows are, all of them are
 * visited each time.
 */
static __always_inline void sl_sweep_table(__u8 family, __u32 next[], bool hurry)
{
	const struct sl_settings *settings = sl_settings_now();
	struct sl_sweep_run run = {.family = family, .now = sl_tick_now()};
	__u32 groups, levels, batch;

	if (!settings)
		return;
	groups = sl_flow_group_count(family, settings);
	levels = sl_flow_small_levels(groups);
#pragma unroll
	for (__u32 level = 0; level <= SL_FLOW_LEVELS_MOST; level++) {
		if (level > levels)
			break;
		run.begin = sl_flow_level_begin(level);
		run.count = level < levels ? sl_flow_level_groups(level) : groups - run.begin;
		run.next = next[level];
		batch = sl_sweep_batch(run.count, hurry);
		bpf_loop(batch, sl_sweep_group, &run, 0);
		next[level] = (run.next + batch) % (run.count ?: 1);
	}
}

/* Are the next rounds to be short? They are if sessions were flagged or ended since. */
static __always_inline bool sl_sweep_hurries(struct sl_sweeper *sweeper)
{
	const struct sl_rules *rules = sl_rules_now();
	__u64 number = rules ? READ_ONCE(rules->recheck) : 0;

	if (sweeper->rechecked != number) {
		sweeper->rechecked = number;
		sweeper->hurry = SL_SWEEP_HURRY + 1;
	}
	if (!sweeper->hurry)
		return false;
	sweeper->hurry--;
	return true;
}

static __always_inline void sl_sweep_sessions(struct sl_sweeper *sweeper)
{
	bool hurry = sl_sweep_hurries(sweeper);

	sl_sweep_table(AF_INET, sweeper->next4, hurry);
	sl_sweep_table(AF_INET6, sweeper->next6, hurry);
}

static int sl_sweep(void *map, __u32 *key, struct sl_sweeper *sweeper)
{
	__u32 zero = 0, epoch = sl_epoch_now();
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);

	if (sweeper->epoch != epoch) {
		sweeper->epoch = epoch;
		sl_sweep_learned();
		sl_sweep_blocked();
		sl_sweep_held();
		sl_policy_expire();
	}
	sl_sweep_sessions(sweeper);
	if (live)
		sl_sweep_fdb(live, &sweeper->fdb_next);
	bpf_timer_start(&sweeper->timer, SL_SWEEP_INTERVAL_NS, 0);
	return 0;
}

/* Arms the timer; the maps, not this program, keep it running. It is safe to repeat. */
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
