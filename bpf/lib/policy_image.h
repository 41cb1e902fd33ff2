/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * These are the look-ups in the image of the policy (sluice/abi/policy.h), which say what it has
 * about a session. They build for the host as well, where the command line asks them and their
 * tests are.
 */
#ifndef SLUICE_BPF_LIB_POLICY_IMAGE_H
#define SLUICE_BPF_LIB_POLICY_IMAGE_H

#include <bpf/bpf_endian.h>
#include <stdbool.h>

#include "bits.h"
#include "sluice/abi/policy.h"

#ifdef __bpf__
#include <bpf/bpf_helpers.h>
#include <linux/in.h>
#include <linux/in6.h>

#define sl_policy_function		   static __noinline
#define sl_policy_loop(most, step, search) bpf_loop(most, step, search, 0)

static __always_inline const union sl_policy_line *sl_policy_at(void *image, __u32 number)
{
	return bpf_map_lookup_elem(image, &number);
}
#else
#include <netinet/in.h>

#define sl_policy_function static inline

struct sl_policy_image {
	const union sl_policy_line *lines;
	__u32 count;
};

static inline const union sl_policy_line *sl_policy_at(void *image, __u32 number)
{
	const struct sl_policy_image *it = (const struct sl_policy_image *)image;

	return number < it->count ? &it->lines[number] : 0;
}

#define sl_policy_loop(most, step, search)                                                         \
	for (__u32 sl_i = 0; sl_i < (most) && !step(sl_i, search); sl_i++)                         \
		;
#endif

/* A search for the first rule that fits. */
struct sl_policy_search {
	void *image;
	struct sl_policy_query *query;
};

/*
 * Returns 1 if a > b. It has no branch: every branch would double what the verifier has to look at.
 */
static inline __u64 sl_policy_greater(__u64 high, __u64 low, const struct sl_policy_value *b)
{
	__u64 borrow = ((~b->low & low) | ((~b->low | low) & (b->low - low))) >> 63;

	return ((~b->high & high) | ((~b->high | high) & (b->high - high - borrow))) >> 63;
}

/*
 * Finds the class of a value.
 * @param child the root of its property's tree
 */
sl_policy_function __u32 sl_policy_class_of(void *image, __u32 child, __u64 high, __u64 low)
{
	for (int i = 0; i < SL_POLICY_DEPTH && !(child & SL_POLICY_LEAF); i++) {
		const union sl_policy_line *line = sl_policy_at(image, child);
		__u64 n;

		if (!line)
			return 0;
		n = sl_policy_greater(high, low, &line->node.bound[0]) +
		    sl_policy_greater(high, low, &line->node.bound[1]) +
		    sl_policy_greater(high, low, &line->node.bound[2]);
		child = line->node.child[n & 3];
	}
	return child & ~SL_POLICY_LEAF;
}

static inline void sl_policy_look_up(void *image, const struct sl_policy_header *header,
				     struct sl_policy_query *query,
				     enum sl_policy_property property, __u64 high, __u64 low)
{
	__u32 root = header->root[property];

	query->classes[property] = root ? sl_policy_class_of(image, root, high, low) : 0;
}

/* Makes what is not known speak against no rule. */
static inline void sl_policy_hide(struct sl_policy_query *query)
{
	query->classes[SL_POLICY_PROTOCOL] = 0;
	query->classes[SL_POLICY_DESTINATION_PORT] = 0;
	query->classes[SL_POLICY_SOURCE_PORT] = 0;
	if (query->hidden >= SL_POLICY_ADDRESSES_HIDDEN)
		query->classes[SL_POLICY_SOURCE] = 0;
	if (query->hidden >= SL_POLICY_ADDRESSES_HIDDEN ||
	    query->out_port == SL_POLICY_PORT_UNKNOWN)
		query->classes[SL_POLICY_DESTINATION] = 0;
}

static inline __u64 sl_policy_half(const __be32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

static inline __u32 sl_policy_protocol(const struct sl_policy_query *query)
{
	if (query->proto == IPPROTO_ICMP)
		return SL_POLICY_ICMP_TYPES + query->icmp_type;
	if (query->proto == IPPROTO_ICMPV6)
		return SL_POLICY_ICMPV6_TYPES + query->icmp_type;
	return query->proto;
}

sl_policy_function void sl_policy_classify(void *image, const struct sl_policy_header *header,
					   struct sl_policy_query *query)
{
	const __be32 *from = query->saddr.w, *to = query->daddr.w;

	sl_policy_look_up(image, header, query, SL_POLICY_SOURCE, sl_policy_half(from),
			  sl_policy_half(from + 2));
	sl_policy_look_up(image, header, query, SL_POLICY_DESTINATION, sl_policy_half(to),
			  sl_policy_half(to + 2));
	sl_policy_look_up(image, header, query, SL_POLICY_PROTOCOL, 0, sl_policy_protocol(query));
	sl_policy_look_up(image, header, query, SL_POLICY_DESTINATION_PORT, 0, query->dport);
	sl_policy_look_up(image, header, query, SL_POLICY_SOURCE_PORT, 0, query->sport);
	sl_policy_look_up(image, header, query, SL_POLICY_VLAN, 0, query->vid);
	sl_policy_look_up(image, header, query, SL_POLICY_SOURCE_MAC, 0, query->smac);
	sl_policy_look_up(image, header, query, SL_POLICY_IN_PORT, 0, query->in_port);
	sl_policy_look_up(image, header, query, SL_POLICY_OUT_PORT, 0, query->out_port);
	if (query->hidden)
		sl_policy_hide(query);
}

/* Finds the class that is joined with that of the property; 0: there is none. */
static inline __u32 sl_policy_joined(const struct sl_policy_query *query, __u32 property)
{
	if (property >= SL_POLICY_PROPERTIES - SL_POLICY_JOINED)
		return 0;
	return query->classes[property + SL_POLICY_JOINED];
}

/* Tells in which words, from `from` on, the classes may have a rule in common. */
sl_policy_function void sl_policy_narrow(void *image, struct sl_policy_query *query, __u32 from)
{
	for (__u32 i = 0; i < SL_POLICY_SUMMARY; i++)
		query->live[i] = from <= i * 64	       ? ~0ull
				 : from >= i * 64 + 64 ? 0
						       : ~0ull << (from & 63);
	for (__u32 property = 0; property < SL_POLICY_JOINED; property++) {
		__u32 joined = sl_policy_joined(query, property);
		const union sl_policy_line *set, *other;

		if (!query->classes[property])
			continue;
		set = sl_policy_at(image, query->classes[property]);
		other = joined ? sl_policy_at(image, joined) : 0;
		for (__u32 i = 0; i < SL_POLICY_SUMMARY; i++)
			query->live[i] &=
			    (set ? set->set.summary[i] : 0) | (other ? other->set.summary[i] : 0);
	}
}

/* Reads one word of a class. */
static inline __u64 sl_policy_word(void *image, __u32 number, __u32 word)
{
	const union sl_policy_line *line = sl_policy_at(image, number);

	if (!line)
		return 0;
	word = sl_opaque(word); /* else a bound is lost on Linux 6.1 that the compiler knows of */
	line = sl_policy_at(image, line->set.block[word >> 5 & 7] + (word >> 3 & 3));
	return line ? line->words[word & 7] : 0;
}

/* Reads one word of what the classes have in common. */
static inline __u64 sl_policy_common(void *image, const struct sl_policy_query *query, __u32 word)
{
	__u64 rules = ~0ull;

	for (__u32 property = 0; property < SL_POLICY_JOINED && rules; property++) {
		__u32 joined = sl_policy_joined(query, property);
		__u64 set;

		if (!query->classes[property])
			continue;
		set = sl_policy_word(image, query->classes[property], word);
		if (joined)
			set |= sl_policy_word(image, joined, word);
		rules &= set;
	}
	return rules;
}

/* Goes on to the rules of the next word that has some live ones. False: there is none. */
static inline bool sl_policy_next(void *image, struct sl_policy_query *query)
{
	for (__u32 i = 0; i < SL_POLICY_SUMMARY; i++) {
		__u64 live = query->live[i];

		if (!live)
			continue;
		query->live[i] = live & (live - 1);
		query->at = i * 64 + sl_lowest_bit(live);
		query->word = sl_policy_common(image, query, query->at);
		return true;
	}
	return false;
}

/* Tells the rule, or the default, that a bit stands for. */
static inline const struct sl_policy_rule *
sl_policy_rule_at(void *image, const struct sl_policy_query *query, __u32 bit)
{
	const union sl_policy_line *line = sl_policy_at(image, query->rules + (bit >> 2));

	return line ? &line->rules[bit & 3] : 0;
}

/* Looks at a rule, or goes on to the next word. 1: the search is over. */
static long sl_policy_step(__u32 i, struct sl_policy_search *search)
{
	struct sl_policy_query *query = search->query;
	const struct sl_policy_rule *rule;
	__u32 bit;

	(void)i;
	if (!query->word)
		return !sl_policy_next(search->image, query);
	bit = query->at * 64 + sl_lowest_bit(query->word);
	query->word &= query->word - 1;
	rule = sl_policy_rule_at(search->image, query, bit);
	if (!rule || (rule->expires && rule->expires <= query->now) ||
	    (query->hidden && rule->action < SL_POLICY_REJECT))
		return 0;
	query->found = bit;
	return 1;
}

/* Finds the first rule in force, from word `from` on. */
sl_policy_function __u32 sl_policy_first(void *image, struct sl_policy_query *query, __u32 from)
{
	struct sl_policy_search search = {image, query};

	sl_policy_narrow(image, query, from);
	query->word = 0;
	query->found = SL_POLICY_NO_RULE;
	sl_policy_loop(SL_POLICY_BITS + SL_POLICY_WORDS + 1, sl_policy_step, &search);
	return query->found;
}

static inline __u32 sl_policy_action_of(void *image, const struct sl_policy_query *query, __u32 bit)
{
	const struct sl_policy_rule *rule = sl_policy_rule_at(image, query, bit);

	return rule ? rule->action : (__u32)SL_POLICY_DENY;
}

/* Finds the stricter one of the two defaults: the one of what leaves, and the one of what comes. */
static inline __u32 sl_policy_default(void *image, const struct sl_policy_header *header,
				      struct sl_policy_query *query, __u32 bit)
{
	__u32 action = sl_policy_action_of(image, query, bit), other, other_action;

	query->hit = bit + 1;
	if (bit >= header->in_defaults * 64u)
		return action;
	other = sl_policy_first(image, query, header->in_defaults);
	if (other == SL_POLICY_NO_RULE)
		return action;
	other_action = sl_policy_action_of(image, query, other);
	if (other_action <= action)
		return action;
	query->hit = other + 1;
	return other_action;
}

/*
 * Says what is to be done, and in the query who said so. If no rule fits, the default of what
 * leaves the source and that of what goes to the destination both have their say.
 * @param now CLOCK_MONOTONIC, ns
 * @return enum sl_policy_action
 */
static inline __u32 sl_policy_judge(void *image, struct sl_policy_query *query, __u64 now)
{
	const union sl_policy_line *line = sl_policy_at(image, 0);
	__u32 bit;

	query->rule = 0;
	query->hit = 0;
	if (!line)
		return SL_POLICY_DENY;
	query->generation = line->header.generation;
	query->rules = line->header.rules;
	query->now = now;
	sl_policy_classify(image, &line->header, query);
	bit = sl_policy_first(image, query, 0);
	if (bit == SL_POLICY_NO_RULE)
		return SL_POLICY_ALLOW;
	if (query->hidden)
		return SL_POLICY_DENY;
	if (bit >= line->header.out_defaults * 64u)
		return sl_policy_default(image, &line->header, query, bit);
	query->rule = bit + 1;
	query->hit = bit + 1;
	return sl_policy_action_of(image, query, bit);
}

#endif
