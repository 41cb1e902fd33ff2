/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This reads the generation of the rules that sessions are decided by: sluice/abi/rules.h. */
#ifndef SLUICE_BPF_LIB_RULES_H
#define SLUICE_BPF_LIB_RULES_H

#include "maps/maps.h"

static __always_inline struct sl_rules *sl_rules_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sl_rules, &zero);
}

/* Reads the generation of the rules. It is to be read before any rule is. */
static __always_inline __u16 sl_rules_generation(void)
{
	const struct sl_rules *rules = sl_rules_now();

	return rules ? READ_ONCE(rules->generation) : 0;
}

/* Is a policy in force? */
static __always_inline bool sl_policy_in_force(void)
{
	const struct sl_rules *rules = sl_rules_now();

	return rules && READ_ONCE(rules->policy);
}

/* Is the flow's session to be decided anew? */
static __always_inline bool sl_rules_old(const struct sl_flow *flow)
{
	return unlikely(flow->rules != sl_rules_generation());
}

/* Is a routed flow to be decided anew, a packet of which has come in by this port? */
static __always_inline bool sl_flow_stale(const struct sl_flow *flow, const struct sl_port *port)
{
	return sl_rules_old(flow) || unlikely(flow->in_port != port->id);
}

/* Takes a number for a new generation: its low 16 bits are not 0. */
static __always_inline __u32 sl_rules_number(struct sl_rules *rules)
{
	__u32 number = __sync_fetch_and_add(&rules->numbers, 1) + 1;

	return number & 0xffff ? number : __sync_fetch_and_add(&rules->numbers, 1) + 1;
}

#endif
