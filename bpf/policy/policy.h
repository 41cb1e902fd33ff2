/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy in force says whether a session may be opened. It is asked about the first packet,
 * never about the others.
 */
#ifndef SLUICE_BPF_POLICY_POLICY_H
#define SLUICE_BPF_POLICY_POLICY_H

#include "lib/event.h"
#include "lib/policy_image.h"
#include "lib/rules.h"
#include "lib/time.h"
#include "maps/maps.h"

/*
 * Judges a session by its first packet, and notes in the query which rule of which generation said
 * so. Addresses are the inside ones: the source before a masquerade, the destination after a
 * forward. Global: the verifier looks once.
 */
__noinline enum sl_policy_action sl_policy_decide(struct sl_policy_query *query)
{
	__u32 zero = 0;
	void *image;

	if (!query)
		return SL_POLICY_DENY;
	query->rule = 0;
	query->hit = 0;
	if (!sl_policy_in_force())
		return SL_POLICY_ALLOW;
	image = bpf_map_lookup_elem(&sl_policy, &zero);
	if (!image)
		return SL_POLICY_ALLOW;
	return sl_policy_judge(image, query, sl_clock());
}

/* Is there a rule that goes by the sender's MAC? */
static __always_inline bool sl_policy_asks_mac(void)
{
	const union sl_policy_line *line;
	__u32 zero = 0;
	void *image = bpf_map_lookup_elem(&sl_policy, &zero);

	line = image ? bpf_map_lookup_elem(image, &zero) : NULL;
	return line && line->header.root[SL_POLICY_SOURCE_MAC];
}

/* Reports one event a second for each rule and CPU, as long as the port has any left. */
static __always_inline void sl_policy_event(struct sl_ctx *ctx, const struct sl_notice *notice,
					    struct sl_policy_hit *hit)
{
	__u32 now = sl_tick_now() ?: 1;

	if ((hit->reported && now - hit->reported < SL_EVENT_INTERVAL) ||
	    !sl_event_affords(notice->port, notice->kind)) {
		hit->unreported++;
		return;
	}
	sl_event_write(ctx, notice, hit->unreported);
	hit->reported = now;
	hit->unreported = 0;
}

/*
 * Counts what was decided about a session that is to begin, or a packet of one that may not go on,
 * and reports it if that is asked for. Returns the reason against it, if there is one. Global: the
 * verifier looks once.
 */
__noinline enum sl_drop sl_policy_settle(struct sl_ctx *ctx, const struct sl_policy_query *query,
					 enum sl_policy_action action)
{
	struct sl_notice notice = {};
	struct sl_policy_hit *hit;
	__u32 index;

	if (!query)
		return SL_DROP_NONE;
	index = query->hit;
	notice.port = query->in_port ?: query->out_port;
	notice.egress = !query->in_port;
	notice.other_port = query->rule;
	notice.kind = action == SL_POLICY_LOG ? SL_EVENT_POLICY_LOG : SL_EVENT_DROP;
	if (action >= SL_POLICY_REJECT)
		notice.reason =
		    action == SL_POLICY_DENY ? SL_DROP_POLICY_DENY : SL_DROP_POLICY_REJECT;
	hit = bpf_map_lookup_elem(&sl_policy_hits, &index);
	if (!hit)
		return notice.reason;
	if (notice.reason)
		hit->denied++;
	else
		hit->flows++;
	if (action != SL_POLICY_ALLOW)
		sl_policy_event(ctx, &notice, hit);
	return notice.reason;
}

/* The next time that a rule expires, if it is before the one that is known. */
struct sl_policy_expiry {
	void *image;
	__u32 first; /* line */
	__u64 now, next;
};

static long sl_policy_expiry_step(__u32 i, struct sl_policy_expiry *it)
{
	const union sl_policy_line *line = sl_policy_at(it->image, it->first + i);

	if (!line)
		return 1;
	for (__u32 rule = 0; rule < 4; rule++) {
		__u64 expires = line->rules[rule].expires;

		if (expires > it->now && (!it->next || expires < it->next))
			it->next = expires;
	}
	return 0;
}

/* Has all sessions decided anew if a rule has expired. The sweeper calls it. */
static __always_inline void sl_policy_expire(void)
{
	struct sl_rules *rules = sl_rules_now();
	struct sl_policy_expiry it = {.now = sl_clock()};
	const union sl_policy_line *line;
	__u64 expires = rules ? READ_ONCE(rules->expires) : 0;
	__u32 zero = 0, generation;

	if (!expires || it.now < expires)
		return;
	generation = READ_ONCE(rules->generation);
	it.image = bpf_map_lookup_elem(&sl_policy, &zero);
	line = it.image ? sl_policy_at(it.image, 0) : NULL;
	if (!line || !READ_ONCE(rules->policy))
		return;
	it.first = line->header.rules;
	bpf_loop(line->header.out_defaults * 16u, sl_policy_expiry_step, &it, 0);
	/* The loader may have put other rules in force by now: what it took is new enough. */
	__sync_val_compare_and_swap(&rules->expires, expires, it.next);
	__sync_val_compare_and_swap(&rules->generation, generation, sl_rules_number(rules));
}

#endif
