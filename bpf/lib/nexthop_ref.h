/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow refers to the answer of the host's FIB that it goes by, in one word. */
#ifndef SLUICE_BPF_LIB_NEXTHOP_REF_H
#define SLUICE_BPF_LIB_NEXTHOP_REF_H

#include "lib/packet.h"
#include "maps/maps.h"

union sl_nexthop_word {
	struct sl_nexthop_ref ref;
	__u32 word;
};

static __always_inline struct sl_nexthop_ref sl_nexthop_ref_of(const struct sl_flow *flow)
{
	union sl_nexthop_word read;

	read.word = READ_ONCE(*(const sl_half_word *)&flow->nexthop);
	return read.ref;
}

static __always_inline void sl_nexthop_refer(struct sl_flow *flow, struct sl_nexthop_ref ref)
{
	union sl_nexthop_word write = {.ref = ref};

	WRITE_ONCE(*(sl_half_word *)&flow->nexthop, write.word);
}

/* Has the slot still what the flow refers to? Nobody is writing there then. */
static __always_inline bool sl_nexthop_holds(const struct sl_nexthop *slot,
					     struct sl_nexthop_ref ref)
{
	return READ_ONCE(slot->gen) == ref.gen * 2;
}

/* Finds the answer that a flow refers to. NULL: there is none, or another is in its slot by now. */
static __always_inline const struct sl_nexthop *sl_nexthop_referred(struct sl_nexthop_ref ref)
{
	__u32 index = ref.slot;
	const struct sl_nexthop *slot = bpf_map_lookup_elem(&sl_nexthops, &index);

	return slot && ref.gen && sl_nexthop_holds(slot, ref) ? slot : NULL;
}

#endif
