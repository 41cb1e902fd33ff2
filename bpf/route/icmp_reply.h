/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This answers a packet that can't be forwarded with an ICMP error, made out of the packet itself:
 * time exceeded (RFC 792, RFC 4443 section 3.3), too big (RFC 1191, RFC 4443 section 3.2), and
 * administratively prohibited (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1). The kernel can't be
 * asked to: to it, a packet for an external address is its own.
 */
#ifndef SLUICE_BPF_ROUTE_ICMP_REPLY_H
#define SLUICE_BPF_ROUTE_ICMP_REPLY_H

#include "lib/csum.h"
#include "lib/parse.h"
#include "lib/settings.h"
#include "lib/tokens.h"
#include "maps/maps.h"
#include "guard/nd.h"
#include "maps/work.h"

#define SL_QUOTE_MAX 128 /* bytes of the packet that the error quotes */
#define SL_ICMP_TTL  64
#define SL_ICMP_TOS  0xc0 /* internetwork control: RFC 1812 section 4.3.2.5 */

/*
 * So many errors and resets a second are sent. Each host has a budget of its own, so that one that
 * makes errors in great number uses up nobody else's; so has each access port, since a VM without a
 * guard may be many hosts. What a sender must know to get anything through, that its packets are
 * too big, is counted apart. RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 f.
 */
#define SL_ICMP_PER_HOST 100
#define SL_ICMP_PER_PORT 1000
#define SL_ICMP_HOSTS	 4096 /* budgets, which a hash with a secret gives to hosts */

enum sl_icmp_class {
	SL_ICMP_OTHERS = 0,
	SL_ICMP_TOO_BIG = 1,
	SL_ICMP_CLASSES = 2,
};

/*
 * Maps sl_icmp_ports and sl_icmp_hosts: token buckets (lib/tokens.h) of the ICMP errors that a
 * port, or a host by the hash of its address, may be sent.
 */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_icmp_ports, __u32, __u64, SL_MAX_PORTS *SL_ICMP_CLASSES, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_icmp_hosts, __u32, __u64, SL_ICMP_HOSTS *SL_ICMP_CLASSES, 0);

struct sl_icmp_reply4 {
	struct iphdr ip;
	struct icmphdr icmp;
};

struct sl_icmp_reply6 {
	struct ipv6hdr ip6;
	struct icmp6hdr icmp;
};

/* Was the frame sent by one host to one host, on the link too? */
static __always_inline bool sl_is_between_hosts(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx) || ((eth->h_dest[0] | eth->h_source[0]) & 1))
		return false;
	if (pkt->family == AF_INET)
		return sl_is_host4(pkt->k4.saddr) && sl_is_host4(pkt->k4.daddr);
	return sl_is_host6(&pkt->k6.saddr) && sl_is_host6(&pkt->k6.daddr);
}

/*
 * Is it an ICMP error? Redirects count as errors here: RFC 1122 section 3.2.2, RFC 4443 section 2.4
 * e.2.
 */
static __always_inline bool sl_is_icmp_error(const struct sl_packet *pkt)
{
	if (pkt->icmp_error)
		return true;
	if (pkt->family == AF_INET)
		return pkt->proto == IPPROTO_ICMP && pkt->icmp_type == ICMP_REDIRECT;
	return pkt->proto == IPPROTO_ICMPV6 && pkt->icmp_type == SL_ND_REDIRECT;
}

/*
 * May the sender be answered at all, by an error or a reset? By RFC 1122 section 3.2.2, RFC 1812
 * section 4.3.2.7 and RFC 4443 section 2.4 e it may not about errors, later fragments, and what was
 * sent to a group or comes from none that is a single host. Nor may it about what is damaged.
 */
static __always_inline bool sl_is_answerable(struct __sk_buff *ctx, const struct sl_packet *pkt)
{
	return pkt->family && pkt->fragment != SL_FRAG_LATER && !sl_is_icmp_error(pkt) &&
	       sl_is_between_hosts(ctx, pkt);
}

/* Finds the budget of the host behind the port that sent the packet. */
static __always_inline __u64 *sl_icmp_host(const struct sl_port *port, const struct sl_packet *pkt,
					   __u32 class)
{
	const struct sl_settings *settings = sl_settings_now();
	union sl_addr from, to;
	struct sl_halves halves;
	sl_word words[3];
	__u32 index;

	if (!settings)
		return NULL;
	sl_packet_addrs(pkt, &from, &to);
	halves = sl_halves_of(&from);
	words[0] = halves.first;
	words[1] = halves.second;
	words[2] = port->id;
	index = sl_hash(words, 3, &settings->flow_seed) % SL_ICMP_HOSTS * SL_ICMP_CLASSES + class;
	return bpf_map_lookup_elem(&sl_icmp_hosts, &index);
}

static __always_inline bool sl_icmp_budget(const struct sl_port *port, const struct sl_packet *pkt)
{
	__u32 class = pkt->reason == SL_DROP_TOO_BIG ? SL_ICMP_TOO_BIG : SL_ICMP_OTHERS;
	__u32 index = port->id * SL_ICMP_CLASSES + class;
	__u64 *host = sl_icmp_host(port, pkt, class);
	__u64 *all = bpf_map_lookup_elem(&sl_icmp_ports, &index);

	if (!host || !all || !sl_tokens_take(host, SL_ICMP_PER_HOST))
		return false;
	return port->role != SL_ROLE_ACCESS || sl_tokens_take(all, SL_ICMP_PER_PORT);
}

/*
 * Is the sender of work->pkt, which entered by `port`, to be answered? Global: the verifier looks
 * once.
 */
__noinline int sl_may_answer(struct __sk_buff *ctx, const struct sl_port *port)
{
	__u32 zero = 0;
	const struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);

	return port && work && sl_is_answerable(ctx, &work->pkt) &&
	       sl_icmp_budget(port, &work->pkt);
}

/* Cuts the frame to its first `quote` bytes of L3 and makes room for `header` bytes before them. */
static __always_inline int sl_icmp_make_room(struct __sk_buff *ctx, __u32 quote, __u32 header)
{
	if (bpf_skb_change_tail(ctx, ETH_HLEN + quote, 0))
		return -1;
	return bpf_skb_adjust_room(ctx, header, BPF_ADJ_ROOM_MAC, 0);
}

/* Sends the frame back to where it came from, by its MACs. */
static __always_inline int sl_icmp_turn_round(struct __sk_buff *ctx)
{
	struct ethhdr *eth = ctx_data(ctx);
	__u8 mac[ETH_ALEN];

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return -1;
	__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	return 0;
}

static __always_inline __u8 sl_icmp_code4(__u8 reason)
{
	if (reason == SL_DROP_POLICY_REJECT)
		return ICMP_PKT_FILTERED;
	return reason == SL_DROP_TOO_BIG ? ICMP_FRAG_NEEDED : ICMP_EXC_TTL;
}

static __always_inline __u8 sl_icmp_type6(__u8 reason)
{
	if (reason == SL_DROP_POLICY_REJECT)
		return ICMPV6_DEST_UNREACH;
	return reason == SL_DROP_TOO_BIG ? ICMPV6_PKT_TOOBIG : ICMPV6_TIME_EXCEED;
}

static __always_inline int sl_icmp_reply4(struct __sk_buff *ctx, const struct sl_packet *pkt,
					  __be32 source, __u32 quote, __s64 quote_sum, __u16 mtu)
{
	struct sl_icmp_reply4 reply = {
	    .ip =
		{
		    .version = 4,
		    .ihl = sizeof(reply.ip) / 4,
		    .tos = SL_ICMP_TOS,
		    .tot_len = bpf_htons(sizeof(reply) + quote),
		    .ttl = SL_ICMP_TTL,
		    .protocol = IPPROTO_ICMP,
		    .saddr = source,
		    .daddr = pkt->k4.saddr,
		},
	    .icmp =
		{
		    .type = pkt->reason == SL_DROP_TTL_EXCEEDED ? ICMP_TIME_EXCEEDED
								: ICMP_DEST_UNREACH,
		    .code = sl_icmp_code4(pkt->reason),
		},
	};

	if (pkt->reason == SL_DROP_TOO_BIG)
		reply.icmp.un.frag.mtu = bpf_htons(mtu);
	reply.ip.check =
	    ~sl_csum_fold(bpf_csum_diff(NULL, 0, (void *)&reply.ip, sizeof(reply.ip), 0));
	reply.icmp.checksum = ~sl_csum_fold(
	    bpf_csum_diff(NULL, 0, (void *)&reply.icmp, sizeof(reply.icmp), quote_sum));
	if (sl_icmp_make_room(ctx, quote, sizeof(reply)))
		return -1;
	return bpf_skb_store_bytes(ctx, ETH_HLEN, &reply, sizeof(reply), 0);
}

static __always_inline int sl_icmp_reply6(struct __sk_buff *ctx, const struct sl_packet *pkt,
					  const union sl_addr *source, __u32 quote, __s64 quote_sum,
					  __u16 mtu)
{
	__u32 payload = sizeof(struct icmp6hdr) + quote;
	struct sl_icmp_reply6 reply = {
	    .ip6 =
		{
		    .version = 6,
		    .payload_len = bpf_htons(payload),
		    .nexthdr = IPPROTO_ICMPV6,
		    .hop_limit = SL_ICMP_TTL,
		},
	    .icmp =
		{
		    .icmp6_type = sl_icmp_type6(pkt->reason),
		    .icmp6_code = pkt->reason == SL_DROP_POLICY_REJECT ? ICMPV6_ADM_PROHIBITED : 0,
		},
	};
	__be32 pseudo[2] = {bpf_htonl(payload), bpf_htonl(IPPROTO_ICMPV6)};
	__s64 sum;

	__builtin_memcpy(&reply.ip6.saddr, source, sizeof(reply.ip6.saddr));
	__builtin_memcpy(&reply.ip6.daddr, &pkt->k6.saddr, sizeof(reply.ip6.daddr));
	if (pkt->reason == SL_DROP_TOO_BIG)
		reply.icmp.icmp6_dataun.un_data32[0] = bpf_htonl(mtu);
	sum = bpf_csum_diff(NULL, 0, pseudo, sizeof(pseudo), quote_sum);
	sum = bpf_csum_diff(NULL, 0, (void *)&reply.ip6.saddr, 2 * sizeof(reply.ip6.saddr), sum);
	sum = bpf_csum_diff(NULL, 0, (void *)&reply.icmp, sizeof(reply.icmp), sum);
	reply.icmp.icmp6_cksum = ~sl_csum_fold(sum);
	if (sl_icmp_make_room(ctx, quote, sizeof(reply)))
		return -1;
	return bpf_skb_store_bytes(ctx, ETH_HLEN, &reply, sizeof(reply), 0);
}

/*
 * Makes the error about a packet that may be answered; pkt->reason stays the packet's. A switched
 * port has no address: there a policy speaks in the destination's name.
 * SL_REPLY: the frame is it now. SL_DROP: there is none to send.
 * @param translated the packet was for an external address of ours, which is then the router the
 * sender knows
 */
static __noinline enum sl_verdict sl_icmp_reply(struct __sk_buff *ctx, const struct sl_port *port,
						const struct sl_packet *pkt, bool translated,
						__u32 mtu)
{
	bool v4 = pkt->family == AF_INET, nameless = pkt->reason == SL_DROP_POLICY_REJECT;
	__be32 quoted[SL_QUOTE_MAX / 4] = {};
	__u32 quote = pkt->l3_len;
	union sl_addr source6;
	__be32 source4;
	__s64 sum;
	int err;

	if (quote > SL_QUOTE_MAX)
		quote = SL_QUOTE_MAX;
	barrier_var(quote); /* one register, or the verifier of Linux 6.1 loses a bound */
	if (quote < sizeof(struct iphdr) || bpf_skb_load_bytes(ctx, ETH_HLEN, quoted, quote))
		return SL_DROP;
	sum = bpf_csum_diff(NULL, 0, quoted, sizeof(quoted), 0);
	if (v4) {
		source4 = translated || (nameless && !port->addr4) ? pkt->k4.daddr : port->addr4;
		err = !source4 || sl_icmp_reply4(ctx, pkt, source4, quote, sum, mtu);
	} else {
		source6 = nameless && !port->addr6.w[0] ? pkt->k6.daddr : port->addr6;
		err = !source6.w[0] || sl_icmp_reply6(ctx, pkt, &source6, quote, sum, mtu);
	}
	if (err || sl_icmp_turn_round(ctx))
		return SL_DROP;
	return SL_REPLY;
}

#endif
