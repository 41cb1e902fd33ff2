/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two entries of a session say together: rules that datapath and loader share. */
#ifndef SLUICE_ABI_SESSION_H
#define SLUICE_ABI_SESSION_H

#include "sluice/abi/flow.h"
#include "sluice/abi/instance.h"
#include "sluice/abi/protocol.h"

/*
 * Makes the key of the packets that answer those of `key` after they left as `flow` says. It does
 * so field by field: a whole one would be made on the stack first.
 */
SL_INLINE void sl_answer_key4(const struct sl_key4 *key, const struct sl_flow *flow,
			      struct sl_key4 *answer)
{
	answer->saddr = flow->daddr;
	answer->daddr = flow->saddr;
	answer->sport = flow->dport;
	answer->dport = flow->sport;
	answer->domain = flow->out_domain;
	answer->proto = key->proto;
	answer->kind = key->kind;
}

SL_INLINE void sl_answer_key6(const struct sl_key6 *key, const struct sl_flow *flow,
			      struct sl_key6 *answer)
{
	answer->saddr = key->daddr;
	answer->daddr = key->saddr;
	answer->sport = flow->dport;
	answer->dport = flow->sport;
	answer->domain = flow->out_domain;
	answer->proto = key->proto;
	answer->kind = key->kind;
}

/*
 * Is the connection established? It is once both sides have sent an ACK, until both have sent a
 * FIN, and while no reset stands.
 */
SL_INLINE int sl_tcp_is_established(const struct sl_flow *flow, const struct sl_flow *back)
{
	return (flow->tcp_seen & back->tcp_seen & SL_TCP_ACK) && !sl_tcp_is_finished(flow, back) &&
	       !sl_tcp_is_reset(flow, back);
}

/*
 * Tells how many ticks a session lives without a packet.
 * @param flow the entry that opened it
 * @param back the other one; zero while it has none
 */
SL_INLINE __u32 sl_session_timeout(const struct sl_settings *settings, __u8 proto,
				   const struct sl_flow *flow, const struct sl_flow *back)
{
	if (flow->flags & SL_FLOW_DENIED)
		return settings->tcp_transitory_timeout;
	switch (proto) {
	case IPPROTO_TCP:
		return sl_tcp_is_established(flow, back) ? settings->tcp_established_timeout
							 : settings->tcp_transitory_timeout;
	case IPPROTO_UDP:
		return settings->udp_timeout;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return settings->icmp_timeout;
	default:
		return settings->other_timeout;
	}
}

#endif
