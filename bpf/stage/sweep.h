/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweeper: a kernel timer that visits every session in turn and ends those that are idle, and
 * once a second what guards have learned, what is blocked for a time and which rules of the policy
 * expire. It runs with no process of ours alive, a small batch at a time, and is the only one that
 * ends sessions.
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
#define SL_SWEEP_BATCH	     1024	  /* visits of one table in one run, at least */
#define SL_SWEEP_ROUND	     100	  /* runs to visit every session: 10 s */

struct sl_sweeper {
	struct bpf_timer timer; /* Linux 5.15 */
	__u32 epoch;		/* in which the guards' maps were last looked through */
	__u32 fdb_next;		/* bucket of sl_fdb to begin with */
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

static __always_inline __u32 sl_timeout(__u8 proto, __u8 flags, __u8 seen, __u8 seen_back)
{
	__u32 zero = 0;
	const struct sl_settings *settings = bpf_map_lookup_elem(&sl_settings, &zero);

	if (!settings)
		return ~0u >> 1;
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
static __always_inline bool sl_idle(const struct sl_flow *flow, __u32 now, __u32 timeout)
{
	return (__s32)(now - READ_ONCE(flow->last_seen)) >= (__s32)timeout;
}

/* Ends the session of this ticket if it is over. True if it is gone. */
static __always_inline bool sl_visit(__u8 family, union sl_key *key)
{
	__u8 proto = family == AF_INET ? key->v4.proto : key->v6.proto;
	__u32 now, timeout, slot = sl_flow_slot(family, key), reverse_slot;
	struct sl_flow *flow = sl_flow_at(family, slot), *reverse;
	const struct sl_birth *birth = sl_birth_at(family, slot);
	union sl_key reverse_key = {};
	struct sl_flow ended, ended_back = {};
	struct sl_birth born;

	if (!flow || !birth) {
		sl_live_sessions(family, false, -1);
		return true;
	}
	sl_reverse_key(family, key, flow, &reverse_key);
	reverse_slot = sl_flow_slot(family, &reverse_key);
	reverse = sl_flow_at(family, reverse_slot);
	if (reverse)
		sl_judge_visited(family, key, flow, reverse);
	now = sl_tick_now();
	timeout = sl_timeout(proto, flow->flags, flow->tcp_seen, reverse ? reverse->tcp_seen : 0);
	if (!(flow->flags & SL_FLOW_FLUSH) &&
	    (!sl_idle(flow, now, timeout) || (reverse && !sl_idle(reverse, now, timeout))))
		return false;
	ended = *flow;
	born = *birth;
	if (reverse)
		ended_back = *reverse;
	sl_flow_remove(family, slot, key);
	sl_flow_remove(family, reverse_slot, &reverse_key);
	if (family == AF_INET)
		sl_session_unbind(key, &ended);
	sl_live_sessions(family, ended.flags & SL_FLOW_TRACKED, -1);
	sl_flow_log_write(SL_FLOW_ENDED, family, key, &ended, &ended_back, &born);
	return true;
}

/* There are never more tickets than places for them, so giving one back can't fail. */
static long sl_visit4(__u32 index, void *unused)
{
	union sl_key key = {};

	if (bpf_map_pop_elem(&sl_tickets4, &key.v4))
		return 1;
	if (!sl_visit(AF_INET, &key))
		bpf_map_push_elem(&sl_tickets4, &key.v4, 0);
	return 0;
}

static long sl_visit6(__u32 index, void *unused)
{
	union sl_key key = {};

	if (bpf_map_pop_elem(&sl_tickets6, &key.v6))
		return 1;
	if (!sl_visit(AF_INET6, &key))
		bpf_map_push_elem(&sl_tickets6, &key.v6, 0);
	return 0;
}

/* Enough to be round in time, and nobody twice in one run. */
static __always_inline __u32 sl_sweep_batch(__u64 sessions)
{
	__u64 batch = sessions / SL_SWEEP_ROUND;

	if (batch < SL_SWEEP_BATCH)
		batch = SL_SWEEP_BATCH;
	return batch < sessions ? batch : sessions;
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
		bpf_loop(sl_sweep_batch(live->sessions4), sl_visit4, NULL, 0);
		bpf_loop(sl_sweep_batch(live->sessions6), sl_visit6, NULL, 0);
	}
	sl_sweep_fdb(&sweeper->fdb_next);
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
