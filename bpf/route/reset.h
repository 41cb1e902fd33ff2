/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This answers a TCP segment that the policy rejects with a reset, made out of the segment itself
 * (RFC 9293 section 3.10.7.1: what a host answers to whom it has no connection with).
 */
#ifndef SLUICE_BPF_ROUTE_RESET_H
#define SLUICE_BPF_ROUTE_RESET_H

#include "lib/csum.h"
#include "lib/parse.h"
#include "route/icmp_reply.h"
#include "maps/work.h"

struct sl_reset4 {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct sl_reset6 {
	struct ipv6hdr ip6;
	struct tcphdr tcp;
};

/*
 * Makes the reset's own header, without checksum.
 * @param payload bytes of the segment behind its header
 */
static __always_inline void sl_reset_tcp(const struct tcphdr *segment, __u32 payload,
					 struct tcphdr *reset)
{
	*reset = (struct tcphdr){
	    .source = segment->dest,
	    .dest = segment->source,
	    .doff = sizeof(*reset) / 4,
	    .rst = 1,
	};
	if (segment->ack) {
		reset->seq = segment->ack_seq;
		return;
	}
	reset->ack = 1;
	reset->ack_seq = bpf_htonl(bpf_ntohl(segment->seq) + payload + segment->syn + segment->fin);
}

/*
 * Makes the checksum of the reset, given the sum of its pseudo header. Where a device was to
 * complete that of the segment, it is to complete this one, at the same place.
 */
static __always_inline void sl_reset_csum(struct tcphdr *reset, __u32 pseudo, bool offloaded)
{
	if (offloaded)
		reset->check = sl_csum_fold(pseudo);
	else
		reset->check =
		    ~sl_csum_fold(bpf_csum_diff(NULL, 0, (void *)reset, sizeof(*reset), pseudo));
}

/*
 * Is a device to complete the segment's checksum? Then the sum of the pseudo header stands in its
 * place.
 */
static __always_inline bool sl_reset_offloaded(const struct tcphdr *segment, __u32 addresses,
					       __u32 len)
{
	__be32 rest[2] = {bpf_htonl(len), bpf_htonl(IPPROTO_TCP)};
	__s64 sum = bpf_csum_diff(NULL, 0, rest, sizeof(rest), addresses);

	return segment->check == sl_csum_fold(sum);
}

static __always_inline int sl_reset4(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	__be32 rest[2] = {bpf_htonl(sizeof(struct tcphdr)), bpf_htonl(IPPROTO_TCP)};
	struct tcphdr segment;
	struct sl_reset4 reply = {
	    .ip =
		{
		    .version = 4,
		    .ihl = sizeof(reply.ip) / 4,
		    .tot_len = bpf_htons(sizeof(reply)),
		    .ttl = SL_ICMP_TTL,
		    .protocol = IPPROTO_TCP,
		    .saddr = pkt->k4.daddr,
		    .daddr = pkt->k4.saddr,
		},
	};
	__u32 addresses, len = pkt->l3_len - sizeof(reply.ip);

	if (pkt->l4_off != ETH_HLEN + sizeof(reply.ip) ||
	    bpf_skb_load_bytes(ctx, ETH_HLEN + sizeof(reply.ip), &segment, sizeof(segment)))
		return -1;
	addresses = bpf_csum_diff(NULL, 0, (void *)&reply.ip.saddr, 2 * sizeof(__be32), 0);
	sl_reset_tcp(&segment, len - segment.doff * 4, &reply.tcp);
	sl_reset_csum(&reply.tcp, bpf_csum_diff(NULL, 0, rest, sizeof(rest), addresses),
		      sl_reset_offloaded(&segment, addresses, len));
	reply.ip.check =
	    ~sl_csum_fold(bpf_csum_diff(NULL, 0, (void *)&reply.ip, sizeof(reply.ip), 0));
	return bpf_skb_change_tail(ctx, ETH_HLEN + sizeof(reply), 0)
		   ?: bpf_skb_store_bytes(ctx, ETH_HLEN, &reply, sizeof(reply), 0);
}

static __always_inline int sl_reset6(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	__be32 rest[2] = {bpf_htonl(sizeof(struct tcphdr)), bpf_htonl(IPPROTO_TCP)};
	struct tcphdr segment;
	struct sl_reset6 reply = {
	    .ip6 =
		{
		    .version = 6,
		    .payload_len = bpf_htons(sizeof(reply.tcp)),
		    .nexthdr = IPPROTO_TCP,
		    .hop_limit = SL_ICMP_TTL,
		},
	};
	__u32 addresses, len = pkt->l3_len - sizeof(reply.ip6);

	if (pkt->l4_off != ETH_HLEN + sizeof(reply.ip6) ||
	    bpf_skb_load_bytes(ctx, ETH_HLEN + sizeof(reply.ip6), &segment, sizeof(segment)))
		return -1;
	__builtin_memcpy(&reply.ip6.saddr, &pkt->k6.daddr, sizeof(reply.ip6.saddr));
	__builtin_memcpy(&reply.ip6.daddr, &pkt->k6.saddr, sizeof(reply.ip6.daddr));
	addresses =
	    bpf_csum_diff(NULL, 0, (void *)&reply.ip6.saddr, 2 * sizeof(reply.ip6.saddr), 0);
	sl_reset_tcp(&segment, len - segment.doff * 4, &reply.tcp);
	sl_reset_csum(&reply.tcp, bpf_csum_diff(NULL, 0, rest, sizeof(rest), addresses),
		      sl_reset_offloaded(&segment, addresses, len));
	return bpf_skb_change_tail(ctx, ETH_HLEN + sizeof(reply), 0)
		   ?: bpf_skb_store_bytes(ctx, ETH_HLEN, &reply, sizeof(reply), 0);
}

/*
 * Makes the answer of the frame, which may be answered and whose parsed form is work->pkt. A reset
 * is not answered, nor is what comes in fragments or with options. Global: the verifier looks once.
 * SL_REPLY: the frame is the answer. SL_DROP: the frame is to be forgotten.
 */
__noinline enum sl_verdict sl_reset(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	int err;

	if (!work || (work->pkt.tcp_flags & SL_TCP_RST) || work->pkt.fragment != SL_FRAG_NONE)
		return SL_DROP;
	err = work->pkt.family == AF_INET ? sl_reset4(ctx, &work->pkt) : sl_reset6(ctx, &work->pkt);
	return err || sl_icmp_turn_round(ctx) ? SL_DROP : SL_REPLY;
}

#endif
