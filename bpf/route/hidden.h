/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy can't see everything (TC): not packets whose headers end early or contradict themselves,
 * are more than the parser reads, or came with a first fragment that did not pass. The receiver may
 * see more than we do, so what is hidden is denied wherever a rule in force could forbid it.
 */
#ifndef SLUICE_BPF_ROUTE_HIDDEN_H
#define SLUICE_BPF_ROUTE_HIDDEN_H

#include "lib/parse.h"
#include "route/fragment.h"
#include "route/hold.h"
#include "policy/judge.h"
#include "maps/work.h"

/* Is it a packet in LLC/SNAP, which some receivers take for IP as well (CVE-2021-27862)? */
static __always_inline bool sl_is_snap(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	__be16 head[3]; /* DSAP and SSAP, control and the vendor, which is 0 of ethertypes */

	if (bpf_ntohs(pkt->ethertype) >= ETH_P_802_3_MIN ||
	    bpf_skb_load_bytes(ctx, pkt->l3_off, head, sizeof(head)))
		return false;
	return head[0] == bpf_htons(0xaaaa) && head[1] == bpf_htons(0x0300) && !head[2];
}

/* May a frame that is no IP packet to the parser be one to its receiver? */
static __always_inline bool sl_hides_ip(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	switch (pkt->ethertype) {
	case 0: /* the parser could not even begin, or a length of 0 */
	case bpf_htons(ETH_P_IP):
	case bpf_htons(ETH_P_IPV6):
	case bpf_htons(ETH_P_8021Q):
	case bpf_htons(ETH_P_8021AD):
		return true;
	default:
		return sl_is_snap(ctx, pkt);
	}
}

/* Is there something that a rule could ask for and that is not known, or may not be? */
static __always_inline bool sl_is_hidden(const struct sl_packet *pkt)
{
	return !pkt->family || sl_is_damaged(pkt) || pkt->hidden ||
	       (pkt->fragment == SL_FRAG_LATER && !pkt->frag_known);
}

/* Says why the packet can't be judged. SL_DROP_NONE: a policy sees all that it may ask for. */
static __always_inline enum sl_drop sl_hidden_why(struct __sk_buff *ctx,
						  const struct sl_packet *pkt)
{
	if (unlikely(!pkt->family))
		return sl_hides_ip(ctx, pkt) ? SL_DROP_POLICY_HIDDEN : SL_DROP_NONE;
	if (unlikely(sl_is_damaged(pkt)))
		return SL_DROP_MALFORMED;
	if (unlikely(pkt->hidden))
		return SL_DROP_POLICY_HIDDEN;
	return pkt->fragment == SL_FRAG_LATER && !pkt->frag_known ? SL_DROP_FRAGMENT_ORPHAN
								  : SL_DROP_NONE;
}

/* Could a rule forbid it, if no more is known than this? */
static __always_inline bool sl_hidden_denied(struct __sk_buff *ctx, struct sl_work *work,
					     __u32 in_port, __u32 out_port, __u32 domain)
{
	struct sl_policy_query *ask = &work->ask;
	enum sl_policy_action action;

	ask->hidden = work->pkt.family ? SL_POLICY_L4_HIDDEN : SL_POLICY_ADDRESSES_HIDDEN;
	ask->in_port = in_port;
	ask->out_port = out_port;
	ask->vid = domain;
	ask->proto = ask->icmp_type = 0;
	ask->sport = ask->dport = 0;
	sl_packet_addrs(&work->pkt, &ask->saddr, &ask->daddr);
	sl_judged_sender(ctx, ETH_ALEN, ask);
	action = sl_policy_decide(ask);
	ask->hidden = SL_POLICY_SEEN;
	return action >= SL_POLICY_REJECT;
}

/*
 * Judges the packet in work->pkt while a policy is in force. Returns the reason against it, if
 * there is one. Global: the verifier looks once.
 * @param out_port where it goes; SL_POLICY_PORT_UNKNOWN: it is not known
 */
__noinline enum sl_drop sl_judge_hidden(struct __sk_buff *ctx, __u32 in_port, __u32 out_port,
					__u32 domain)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	enum sl_drop why;

	if (!work)
		return SL_DROP_POLICY_HIDDEN;
	why = sl_hidden_why(ctx, &work->pkt);
	return why && sl_hidden_denied(ctx, work, in_port, out_port, domain) ? why : SL_DROP_NONE;
}

/*
 * Judges the fragment, or packet with hidden headers, in work->pkt, which is for the router.
 * Global: the verifier looks once.
 * SL_DROP_NONE: its key names its flow, or no policy minds what is not known of it. Else the reason
 * against it.
 */
__noinline enum sl_drop sl_route_hidden(struct __sk_buff *ctx, __u32 in_port, __u32 domain)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;

	if (!work)
		return SL_DROP_POLICY_HIDDEN;
	pkt = &work->pkt;
	sl_fragment_follow(pkt, in_port);
	if (sl_is_damaged(pkt))
		return SL_DROP_MALFORMED;
	if (!sl_is_hidden(pkt) || !sl_policy_in_force())
		return SL_DROP_NONE;
	return sl_judge_hidden(ctx, in_port, SL_POLICY_PORT_UNKNOWN, domain);
}

/* Looks for parts->external; what it finds is in the map, for Linux 6.1 trusts no stack here. */
static long sl_external_step(__u32 i, void *unused)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	const union sl_addr *external = bpf_map_lookup_elem(&sl_externals, &i);

	if (!work || !external)
		return 1;
	work->parts.found = external->w[3] == work->parts.external;
	return work->parts.found;
}

/* Is it one of the addresses that masqueraded sources leave with? */
static __always_inline bool sl_is_external(struct sl_parts *parts, __be32 addr)
{
	parts->external = addr;
	parts->found = false;
	bpf_loop(SL_MAX_EXTERNALS, sl_external_step, NULL, 0);
	return parts->found;
}

/*
 * Sees to the fragment in work->pkt, about which sl_route() has said `verdict`. A first fragment
 * that passes is noted. A later one to an address that is shared with the host is not the host's if
 * it has no first one: nobody could tell for whom it is. Whichever lacks its first one is held, if
 * there is room. Global: the verifier looks once.
 */
__noinline enum sl_verdict sl_route_noted(struct __sk_buff *ctx, const struct sl_port *port,
					  enum sl_verdict verdict)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;

	if (!work || !port)
		return SL_DROP;
	pkt = &work->pkt;
	if (verdict == SL_PASS && pkt->fragment == SL_FRAG_LATER && !pkt->frag_known && !pkt->cut &&
	    pkt->family == AF_INET && sl_is_external(&work->parts, pkt->k4.daddr))
		verdict = sl_refuse(pkt, SL_DROP_FRAGMENT_ORPHAN);
	if (verdict == SL_DROP && pkt->reason == SL_DROP_FRAGMENT_ORPHAN)
		return sl_hold(ctx, port->id) ? SL_HELD : SL_DROP;
	if (verdict == SL_FORWARD || (verdict == SL_PASS && pkt->cut))
		sl_fragment_note(ctx, port->id, work->hop.station ?: work->hop.port);
	else if (verdict == SL_PASS && !(port->flags & SL_PORT_TRACK))
		sl_fragment_note(ctx, port->id, 0);
	return verdict;
}

#endif
