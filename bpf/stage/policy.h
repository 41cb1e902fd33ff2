/* SPDX-License-Identifier: GPL-2.0-only */
/* The policy in force: may a session be opened? Asked for its first packet, never for the others.
 */
#ifndef SLUICE_BPF_STAGE_POLICY_H
#define SLUICE_BPF_STAGE_POLICY_H

#include "lib/policy.h"
#include "lib/time.h"
#include "maps/maps.h"

/* The generation in force; 0: no policy is loaded. */
static __always_inline __u16 sl_policy_generation(void)
{
	__u32 zero = 0;
	const struct sl_policy_state *state = bpf_map_lookup_elem(&sl_policy_state, &zero);

	return state ? state->generation : 0;
}

/*
 * Judges a session by its first packet: enum sl_policy_action, and in the query which rule of which
 * generation said so. Addresses are the inside ones: the source before a masquerade, the
 * destination after a forward. Global: the verifier looks once.
 */
__noinline int sl_policy_decide(struct sl_policy_query *query)
{
	__u32 zero = 0;
	void *image;

	if (!query)
		return SL_POLICY_DENY;
	query->rule = 0;
	query->generation = 0;
	query->hit = 0;
	if (!sl_policy_generation())
		return SL_POLICY_ALLOW;
	image = bpf_map_lookup_elem(&sl_policy, &zero);
	if (!image)
		return SL_POLICY_ALLOW;
	return sl_policy_judge(image, query, sl_clock());
}

/* Counts what was decided: a session that is opened, or a packet that is not let through. */
static __always_inline void sl_policy_count(const struct sl_policy_query *query, int action)
{
	__u32 index = query->hit;
	struct sl_policy_hit *hit;

	if (!query->generation)
		return;
	hit = bpf_map_lookup_elem(&sl_policy_hits, &index);
	if (!hit)
		return;
	if (action >= SL_POLICY_REJECT)
		hit->denied++;
	else
		hit->flows++;
}

#endif
