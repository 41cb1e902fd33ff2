/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This tells whoever watches of sessions that begin and end, by a ring in shared memory
 * (sluice/abi/flow.h).
 */
#ifndef SLUICE_BPF_LIB_FLOW_LOG_H
#define SLUICE_BPF_LIB_FLOW_LOG_H

#include "maps/maps.h"

/*
 * Writes the next record. reverse may be NULL. A reader sees by the number, which is written with
 * the order of an atomic exchange before and after the rest, whether it is whole.
 */
static __always_inline void sl_flow_log_write(__u8 kind, __u8 family, const union sl_key *key,
					      const struct sl_flow *flow,
					      const struct sl_flow *reverse,
					      const struct sl_birth *birth)
{
	__u32 zero = 0, slot;
	struct sl_flow_log_head *head = bpf_map_lookup_elem(&sl_flow_log_head, &zero);
	struct sl_flow_record *record;
	__u64 number;

	if (!head)
		return;
	number = __sync_fetch_and_add(&head->newest, 1) + 1;
	slot = (number - 1) % SL_FLOW_RECORDS;
	record = bpf_map_lookup_elem(&sl_flow_log, &slot);
	if (!record)
		return;
	__sync_lock_test_and_set(&record->number, 0);
	record->time = bpf_ktime_get_ns();
	record->kind = kind;
	record->family = family;
	record->key = *key;
	record->flow = *flow;
	if (reverse)
		record->reverse = *reverse;
	else
		__builtin_memset(&record->reverse, 0, sizeof(record->reverse));
	record->birth = *birth;
	__sync_lock_test_and_set(&record->number, number);
}

/* Does anybody want to know of sessions that begin? */
static __always_inline bool sl_flow_log_watched(void)
{
	__u32 zero = 0;
	const struct sl_flow_log_head *head = bpf_map_lookup_elem(&sl_flow_log_head, &zero);
	__u64 until = head ? READ_ONCE(head->watched_until) : 0;

	return unlikely(until) && bpf_ktime_get_ns() < until;
}

#endif
