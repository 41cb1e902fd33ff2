/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parser reads Ethernet, up to two VLAN tags, IPv4 with options, IPv6 with extension headers,
 * TCP, UDP and ICMP. It knows fragments as such, and changes nothing.
 */
#ifndef SLUICE_BPF_LIB_PARSE_H
#define SLUICE_BPF_LIB_PARSE_H

#include "lib/packet.h"
#include "lib/verdict.h"

#define SL_VLAN_TAGS	   2
#define SL_EXTENSION_LIMIT 6   /* IPv6 extension headers before we give up */
#define SL_HEADERS_MAX	   192 /* bytes of headers made readable at once */

/* RFC 791 section 3.1 has these; linux/ip.h does not export them. */
#define SL_IP_DF     0x4000
#define SL_IP_MF     0x2000
#define SL_IP_OFFSET 0x1fff

struct sl_vlan_tag {
	__be16 tci;
	__be16 next_proto;
};

struct sl_ports_header { /* what TCP and UDP begin with */
	__be16 sport, dport;
};

/* Makes the ports as they are in a key. */
static __always_inline __u32 sl_key_ports(const struct sl_ports_header *ports)
{
	return ports->sport | (__u32)ports->dport << 16;
}

/* Is it an error message? These quote the packet they are about: RFC 792; RFC 4443 section 2.1. */
static __always_inline bool sl_icmp_is_error(__u8 proto, __u8 type)
{
	if (proto == IPPROTO_ICMP)
		return type == ICMP_DEST_UNREACH || type == ICMP_TIME_EXCEEDED ||
		       type == ICMP_PARAMETERPROB || type == ICMP_SOURCE_QUENCH;
	return type < 128;
}

static __always_inline bool sl_icmp_is_request(const struct sl_packet *pkt)
{
	return pkt->icmp_type == (pkt->family == AF_INET ? ICMP_ECHO : ICMPV6_ECHO_REQUEST);
}

static __always_inline bool sl_icmp_is_echo(const struct sl_packet *pkt)
{
	return sl_icmp_is_request(pkt) ||
	       pkt->icmp_type == (pkt->family == AF_INET ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY);
}

/* Makes the flags of the flow table of TCP's byte 13. */
static __always_inline __u8 sl_tcp_flags(__u8 wire)
{
	return (wire & 0x02 ? SL_TCP_SYN : 0) | (wire & 0x10 ? SL_TCP_ACK : 0) |
	       (wire & 0x01 ? SL_TCP_FIN : 0) | (wire & 0x04 ? SL_TCP_RST | SL_TCP_RESET : 0);
}

/*
 * Parses TCP; the others follow. `room` is what the IP header leaves for the L4 header and payload:
 * bytes of the frame beyond it are Ethernet padding.
 */
static __always_inline enum sl_verdict sl_parse_tcp(struct sl_packet *pkt, void *l4, void *end,
						    __u32 room, struct sl_ports_header *ports)
{
	struct tcphdr *tcp = l4;

	if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4u > room)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	ports->sport = tcp->source;
	ports->dport = tcp->dest;
	pkt->tcp_flags = sl_tcp_flags(((__u8 *)tcp)[13]);
	pkt->l4_hlen = tcp->doff * 4;
	return SL_CONTINUE;
}

static __always_inline enum sl_verdict sl_parse_udp(struct sl_packet *pkt, void *l4, void *end,
						    __u32 room, struct sl_ports_header *ports)
{
	struct udphdr *udp = l4;

	if ((void *)(udp + 1) > end || room < sizeof(*udp) || bpf_ntohs(udp->len) < sizeof(*udp))
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	/* A first fragment has the length of the whole; so may a segment to be cut by a device. */
	if (pkt->fragment == SL_FRAG_NONE && !pkt->gso && bpf_ntohs(udp->len) > room)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	ports->sport = udp->source;
	ports->dport = udp->dest;
	pkt->l4_hlen = sizeof(*udp);
	return SL_CONTINUE;
}

static __always_inline enum sl_verdict sl_parse_icmp(struct sl_packet *pkt, __u8 proto, void *l4,
						     void *end, __u32 room,
						     struct sl_ports_header *ports)
{
	struct icmphdr *icmp = l4; /* ICMPv6 begins alike: RFC 4443 section 4.1 */

	if ((void *)(icmp + 1) > end || room < sizeof(*icmp))
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	pkt->icmp_type = icmp->type;
	if (unlikely(sl_icmp_is_error(proto, icmp->type)))
		pkt->icmp_error = true;
	if (sl_icmp_is_request(pkt))
		ports->sport = icmp->un.echo.id;
	else if (sl_icmp_is_echo(pkt))
		ports->dport = icmp->un.echo.id;
	else
		ports->sport = ports->dport = bpf_htons(icmp->type);
	return SL_CONTINUE;
}

static __always_inline enum sl_verdict sl_parse_l4(struct sl_packet *pkt, __u8 proto, void *l4,
						   void *end, struct sl_ports_header *ports)
{
	__u32 headers = pkt->l4_off - pkt->l3_off;

	if (headers > pkt->l3_len)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	if (pkt->fragment == SL_FRAG_LATER)
		return SL_CONTINUE;
	if (proto == IPPROTO_TCP)
		return sl_parse_tcp(pkt, l4, end, pkt->l3_len - headers, ports);
	if (proto == IPPROTO_UDP)
		return sl_parse_udp(pkt, l4, end, pkt->l3_len - headers, ports);
	if (proto == (pkt->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return sl_parse_icmp(pkt, proto, l4, end, pkt->l3_len - headers, ports);
	return SL_CONTINUE;
}

static __always_inline enum sl_verdict sl_parse4(struct sl_ctx *ctx, struct sl_packet *pkt,
						 __u32 off, __u16 domain)
{
	void *data = ctx_data(ctx), *end = ctx_data_end(ctx);
	sl_word *key = (sl_word *)&pkt->k4;
	struct sl_ports_header ports = {};
	struct iphdr *ip = data + off;
	enum sl_verdict verdict;
	__u32 header;
	__u16 frag;

	if ((void *)(ip + 1) > end)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	header = ip->ihl * 4;
	pkt->family = AF_INET;
	pkt->gso = ctx_is_gso(ctx);
	pkt->l3_len = bpf_ntohs(ip->tot_len);
	if (!pkt->l3_len && pkt->gso) /* beyond 64 KB the field is 0 (Linux 6.3) */
		pkt->l3_len = ctx_len(ctx) - off;
	key[0] = sl_load_word(&ip->saddr); /* and daddr */
	if (ip->version != 4 || header < sizeof(*ip) || pkt->l3_len < header ||
	    pkt->l3_len > ctx_len(ctx) - off)
		return sl_refuse(pkt, SL_DROP_MALFORMED);

	pkt->ttl = ip->ttl;
	pkt->tos = ip->tos;
	pkt->l4_off = off + header;
	if (unlikely(header > sizeof(*ip)))
		pkt->options = true;
	frag = bpf_ntohs(ip->frag_off);
	pkt->df = frag & SL_IP_DF;
	if (frag & (SL_IP_MF | SL_IP_OFFSET)) {
		pkt->fragment = frag & SL_IP_OFFSET ? SL_FRAG_LATER : SL_FRAG_FIRST;
		pkt->frag_id = ip->id;
		pkt->frag_at = pkt->l4_off;
		pkt->frag_place = frag << 3 | (frag & SL_IP_MF ? SL_FRAG_MORE : 0);
	}
	verdict = sl_parse_l4(pkt, ip->protocol, (void *)ip + header, end, &ports);
	pkt->proto = ip->protocol;
	key[1] = sl_key_tail(sl_key_ports(&ports), ip->protocol, domain);
	return verdict;
}

struct sl_extension { /* RFC 8200 section 4: all but the fragment header begin so */
	__u8 next;
	__u8 len;
	__u8 type; /* of a routing header */
	__u8 more;
};

struct sl_fragment_header { /* RFC 8200 section 4.5: always 8 bytes */
	__u8 next;
	__u8 reserved;
	__be16 offset; /* in units of 8 bytes, and the M flag in bit 0 */
	__be32 id;
};

static __always_inline bool sl_is_extension(__u8 proto)
{
	return proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING || proto == IPPROTO_DSTOPTS;
}

/* Makes what sl_parse_extensions() returns of the header behind them. */
static __always_inline int sl_chain_end(__u32 at, __u32 proto)
{
	return at > SL_L4_OFF_MASK ? -1 : (int)(at | proto << 16);
}

/*
 * Steps over the extension headers from `proto` at `at` on. What stands behind more than
 * SL_EXTENSION_LIMIT, or in a fragment of a fragment, is a protocol without ports to us. Global, so
 * that the verifier does not follow every chain to the end of the program.
 * Returns the L4 header's offset and, from bit 16 on, its protocol; -1: they are cut.
 */
__noinline int sl_parse_extensions(struct sl_ctx *ctx, struct sl_packet *pkt, __u32 at, __u32 proto)
{
	void *data = ctx_data(ctx), *end = ctx_data_end(ctx);

	if (!pkt)
		return -1;
	for (int i = 0; i < SL_EXTENSION_LIMIT; i++) {
		if (at > SL_L4_OFF_MASK)
			return -1;
		if (proto == IPPROTO_FRAGMENT) {
			struct sl_fragment_header *frag = data + at;

			if ((void *)(frag + 1) > end)
				return -1;
			pkt->hidden = pkt->fragment != SL_FRAG_NONE;
			pkt->frag_id = frag->id;
			pkt->frag_place = bpf_ntohs(frag->offset) & (SL_FRAG_BEFORE | SL_FRAG_MORE);
			pkt->fragment =
			    pkt->frag_place & SL_FRAG_BEFORE ? SL_FRAG_LATER : SL_FRAG_FIRST;
			proto = frag->next;
			at += sizeof(*frag);
			pkt->frag_at = at;
			if (pkt->fragment == SL_FRAG_LATER)
				return sl_chain_end(at, proto);
		} else if (sl_is_extension(proto)) {
			struct sl_extension *ext = data + at;

			if ((void *)(ext + 1) > end)
				return -1;
			if (proto == IPPROTO_ROUTING) {
				pkt->options = true;
				pkt->source_routed |= !ext->type;
			}
			proto = ext->next;
			at += (ext->len + 1) * 8;
		} else {
			return sl_chain_end(at, proto);
		}
	}
	if (sl_is_extension(proto) || proto == IPPROTO_FRAGMENT)
		pkt->hidden = true;
	return sl_chain_end(at, proto);
}

/* Parses the header at `l4`, and completes the key with it. */
static __always_inline enum sl_verdict sl_parse6_l4(struct sl_ctx *ctx, struct sl_packet *pkt,
						    __u32 l4, __u8 proto, __u16 domain)
{
	sl_word *key = (sl_word *)&pkt->k6;
	struct sl_ports_header ports = {};
	enum sl_verdict verdict;

	pkt->l4_off = l4;
	verdict = sl_parse_l4(pkt, proto, ctx_data(ctx) + (l4 & SL_L4_OFF_MASK), ctx_data_end(ctx),
			      &ports);
	pkt->proto = proto;
	key[SL_KEY6_WORDS - 1] = sl_key_tail(sl_key_ports(&ports), proto, domain);
	return verdict;
}

/*
 * Parses IPv6 behind extension headers, the first at `at`. Global, so that plain packets do not pay
 * for it.
 */
__noinline enum sl_verdict sl_parse6_extended(struct sl_ctx *ctx, struct sl_packet *pkt, __u32 at,
					      __u32 proto, __u32 domain)
{
	int chain;

	if (!pkt)
		return SL_DROP;
	chain = sl_parse_extensions(ctx, pkt, at, proto);
	if (chain < 0)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	return sl_parse6_l4(ctx, pkt, chain & SL_L4_OFF_MASK, chain >> 16, domain);
}

static __always_inline enum sl_verdict sl_parse6(struct sl_ctx *ctx, struct sl_packet *pkt,
						 __u32 off, __u16 domain)
{
	void *data = ctx_data(ctx), *end = ctx_data_end(ctx);
	sl_word *key = (sl_word *)&pkt->k6;
	struct ipv6hdr *ip6 = data + off;
	__u32 l4 = off + sizeof(*ip6);

	if ((void *)(ip6 + 1) > end)
		return sl_refuse(pkt, SL_DROP_MALFORMED);
	pkt->family = AF_INET6;
	pkt->gso = ctx_is_gso(ctx);
	pkt->l3_len = bpf_ntohs(ip6->payload_len) + sizeof(*ip6);
	if (!ip6->payload_len && pkt->gso) /* a jumbogram: BIG TCP (Linux 5.19) */
		pkt->l3_len = ctx_len(ctx) - off;
#pragma unroll
	for (__u32 i = 0; i < SL_KEY6_WORDS - 1; i++) /* both addresses */
		key[i] = sl_load_word(ip6->saddr.s6_addr + i * sizeof(*key));
	if (ip6->version != 6 || pkt->l3_len > ctx_len(ctx) - off)
		return sl_refuse(pkt, SL_DROP_MALFORMED);

	pkt->ttl = ip6->hop_limit;
	pkt->tos = ip6->priority << 4 | ip6->flow_lbl[0] >> 4;
	pkt->df = true;
	if (unlikely(sl_is_extension(ip6->nexthdr) || ip6->nexthdr == IPPROTO_FRAGMENT))
		return sl_parse6_extended(ctx, pkt, l4, ip6->nexthdr, domain);
	return sl_parse6_l4(ctx, pkt, l4, ip6->nexthdr, domain);
}

/* Parses a tag. It has no branches, each of which would double what the verifier has to look at. */
static __always_inline void sl_parse_tag(struct sl_packet *pkt, __u16 vid)
{
	__u32 named = (pkt->vid + (__u32)VLAN_VID_MASK) >> 12; /* 1: it has a VID */

	pkt->vid |= vid & (named - 1);
	pkt->priority_tags += 1 - ((pkt->vid + (__u32)VLAN_VID_MASK) >> 12);
	pkt->vlan_tags++;
}

/*
 * Describes the frame in *pkt, which must be zero. Tags and ethertype are known afterwards in every
 * case. The key is the router's.
 * SL_CONTINUE: it is an IP packet. SL_PASS: it is none. SL_DROP: it is one that contradicts itself;
 * its addresses are known if its family is.
 * @param domain the L2 domain that the packet is in; 0 = none, or sl_key_counted() will tell
 */
static __always_inline enum sl_verdict sl_parse(struct sl_ctx *ctx, struct sl_packet *pkt,
						__u16 domain)
{
	void *data, *end;
	struct ethhdr *eth;
	__u32 off = sizeof(*eth);
	__be16 proto;

	if (ctx_make_linear(ctx, SL_HEADERS_MAX))
		return SL_PASS;
	data = ctx_data(ctx);
	end = ctx_data_end(ctx);
	eth = data;
	if ((void *)(eth + 1) > end)
		return SL_PASS;
	proto = sl_ethertype(eth);
	pkt->ethertype = proto;
	if (unlikely(ctx_vlan_offloaded(ctx)))
		sl_parse_tag(pkt, ctx_vlan_vid(ctx));
#pragma unroll
	for (int i = 0; i < SL_VLAN_TAGS; i++) {
		struct sl_vlan_tag *tag = data + off;

		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end) {
			pkt->vlan_tags++;
			return SL_PASS;
		}
		sl_parse_tag(pkt, bpf_ntohs(tag->tci) & VLAN_VID_MASK);
		proto = tag->next_proto;
		off += sizeof(*tag);
	}
	pkt->ethertype = proto;
	pkt->l3_off = off;
	if (proto == bpf_htons(ETH_P_IP))
		return sl_parse4(ctx, pkt, off, domain);
	if (proto == bpf_htons(ETH_P_IPV6))
		return sl_parse6(ctx, pkt, off, domain);
	return SL_PASS;
}

#endif
