/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_PACKET_H
#define SLUICE_BPF_LIB_PACKET_H

#include "sluice/abi/flow_table.h"
#include "sluice/abi/reason.h"
#include "lib/verdict.h"

/* The verifier needs these bounds of offsets where an offset was kept in memory. */
#define SL_L3_OFF_MASK 0x1f
#define SL_L4_OFF_MASK 0x1ff

enum sl_fragment_kind {
	SL_FRAG_NONE = 0,
	SL_FRAG_FIRST, /* has the L4 header */
	SL_FRAG_LATER, /* has not */
};

/* These are the parts of sl_packet.frag_place. */
#define SL_FRAG_BEFORE 0xfff8
#define SL_FRAG_MORE   1

/* What the parser found out about a frame. Offsets count from the Ethernet header. */
struct sl_packet {
	union {
		struct sl_key4 k4; /* family AF_INET */
		struct sl_key6 k6; /* family AF_INET6 */
		union sl_key key;
	};
	__u32 l3_len; /* IP header and payload, as the IP header says */
	__u16 l3_off;
	__u16 l4_off;
	/*
	 * What nearly every packet has nothing of: one look tells. Nobody writes here in vain: a
	 * load of the whole waits for fresh stores of its parts.
	 */
	union {
		__u64 special;
		struct {
			__u8 fragment;	    /* enum sl_fragment_kind */
			__u8 vlan_tags;	    /* 0..2, those beside the frame too */
			__u8 priority_tags; /* of these the outer ones with VID 0: they are none */
			bool icmp_error;    /* it quotes another packet */
			bool options;	    /* IPv4 options, or an IPv6 routing header */
			bool source_routed; /* IPv6: a routing header of type 0 (RFC 5095) */
			bool hidden;	    /* headers too many to read, or nested fragments */
			bool cut;	    /* larger than the way out allows, to be cut up; TC */
		};
	};
	__u8 family;	/* AF_INET or AF_INET6 */
	__u8 proto;	/* as in the key */
	__u8 ttl;	/* or hop limit */
	__u8 tos;	/* or traffic class: DSCP << 2 | ECN */
	__u8 tcp_flags; /* enum sl_tcp_seen, of this packet */
	__u8 icmp_type;
	__u8 reason;	  /* enum sl_drop, with SL_DROP */
	bool gso;	  /* to be cut into segments by a device (TC only) */
	bool df;	  /* must not be fragmented: IPv4 DF, always for IPv6 */
	bool frag_known;  /* its key has the ports of its first fragment; TC */
	__u16 frag_place; /* if a fragment: bytes before it, and in bit 0 whether more follow */
	__be32 frag_id;	  /* if a fragment: of which packet */
	__u16 frag_at;	  /* if a fragment: where begins what was cut up */
	__u16 l4_hlen;	  /* bytes of the L4 header that a segment repeats */
	__be16 ethertype; /* behind the tags; below ETH_P_802_3_MIN a length */
	__u16 vid;	  /* of the outermost tag that has one; 0 = none */
	__u32 slot;	  /* of its flow in the table, once that is found */
	__u32 turn;	  /* if it was not: sl_flow_turns of this key before; 0 = not known */
};

/* Are these bytes of the IP packet? Beyond its end there may be Ethernet padding. */
static __always_inline bool sl_in_packet(const struct sl_packet *pkt, __u32 off, __u32 len)
{
	return off + len <= pkt->l3_off + pkt->l3_len;
}

/* Does the packet contradict itself? Other reasons may have been noted for what did not happen. */
static __always_inline bool sl_is_damaged(const struct sl_packet *pkt)
{
	return pkt->reason == SL_DROP_MALFORMED;
}

#define SL_DSCP_SHIFT 2 /* in sl_packet.tos */

static __always_inline __u8 sl_packet_dscp(const struct sl_packet *pkt)
{
	return pkt->tos >> SL_DSCP_SHIFT;
}

/* Does the packet open a connection? */
static __always_inline bool sl_is_syn(const struct sl_packet *pkt)
{
	return (pkt->tcp_flags & (SL_TCP_SYN | SL_TCP_ACK)) == SL_TCP_SYN;
}

typedef __u32 __attribute__((may_alias)) sl_half_word;

/*
 * Loads eight bytes of a frame at once: by another type the compiler would take them for unaligned,
 * and read them one by one.
 */
static __always_inline __u64 sl_load_word(const void *at)
{
	return *(const sl_word *)at;
}

#define SL_MAC_BITS 48

/* Makes a number of a MAC, the first byte the lowest. */
static __always_inline __u64 sl_mac_number(const void *mac)
{
	const __u16 *words = mac;

	return words[0] | (__u64)words[1] << 16 | (__u64)words[2] << 32;
}

/* Makes the same of a MAC that has two bytes more behind it, in one load. */
static __always_inline __u64 sl_load_mac(const void *mac)
{
	return sl_load_word(mac) & ((1ull << SL_MAC_BITS) - 1);
}

static __always_inline __u64 sl_eth_dest(const struct ethhdr *eth)
{
	return sl_load_mac(eth->h_dest);
}

static __always_inline __u64 sl_eth_source(const struct ethhdr *eth)
{
	return sl_load_word(eth->h_source - 2) >> 16;
}

static __always_inline __be16 sl_load_be16(const void *at)
{
	return *(const __be16 *)at;
}

static __always_inline __be16 sl_ethertype(const struct ethhdr *eth)
{
	return sl_load_be16(&eth->h_proto);
}

/* Copies both MACs of a frame, one behind the other. */
static __always_inline void sl_macs_copy(__u8 *to, const __u8 *from)
{
	*(sl_word *)to = *(const sl_word *)from;
	*(sl_half_word *)(to + 8) = *(const sl_half_word *)(from + 8);
}

/*
 * Makes the last word of a key. A key is written by the words that it is read by when the flow is
 * looked for: a CPU that has to join what was stored in pieces waits until all pieces are in the
 * cache, some 10 ns.
 */
static __always_inline __u64 sl_key_tail(__u32 ports, __u8 proto, __u16 domain)
{
	return ports | (__u64)domain << SL_KEY_DOMAIN_SHIFT | (__u64)proto << SL_KEY_PROTO_SHIFT;
}

static __always_inline __u32 sl_key_words(__u8 family)
{
	return family == AF_INET ? SL_KEY4_WORDS : SL_KEY6_WORDS;
}

static __always_inline sl_word *sl_packet_key_tail(struct sl_packet *pkt)
{
	return (sl_word *)&pkt->key + sl_key_words(pkt->family) - 1;
}

/*
 * Makes the key that of a flow which is only counted, in this L2 domain: the router, for which the
 * parser makes keys, never meets such an entry.
 */
static __always_inline void sl_key_counted(struct sl_packet *pkt, __u16 domain)
{
	const __u64 domain_mask = 0xffffull << SL_KEY_DOMAIN_SHIFT;
	const __u64 kind_mask = 0xffull << SL_KEY_KIND_SHIFT;
	sl_word *tail = sl_packet_key_tail(pkt);

	/* The compiler would write the bytes one by one. */
	WRITE_ONCE(*tail, (*tail & ~(domain_mask | kind_mask)) |
			      (__u64)domain << SL_KEY_DOMAIN_SHIFT |
			      (__u64)SL_KIND_COUNTED << SL_KEY_KIND_SHIFT);
}

static __always_inline __u16 sl_packet_domain(const struct sl_packet *pkt)
{
	return pkt->family == AF_INET ? pkt->k4.domain : pkt->k6.domain;
}

static __always_inline __u8 sl_key_kind(__u8 family, const union sl_key *key)
{
	return family == AF_INET ? key->v4.kind : key->v6.kind;
}

static __always_inline __u8 sl_key_proto(__u8 family, const union sl_key *key)
{
	return family == AF_INET ? key->v4.proto : key->v6.proto;
}

static __always_inline __u8 sl_packet_kind(const struct sl_packet *pkt)
{
	return sl_key_kind(pkt->family, &pkt->key);
}

/* Makes the key that of an answer. */
static __always_inline void sl_turn_round(struct sl_packet *pkt)
{
	union sl_key key = pkt->key;

	if (pkt->family == AF_INET) {
		pkt->k4.saddr = key.v4.daddr;
		pkt->k4.daddr = key.v4.saddr;
		pkt->k4.sport = key.v4.dport;
		pkt->k4.dport = key.v4.sport;
	} else {
		pkt->k6.saddr = key.v6.daddr;
		pkt->k6.daddr = key.v6.saddr;
		pkt->k6.sport = key.v6.dport;
		pkt->k6.dport = key.v6.sport;
	}
}

/* The way out, as the next-hop stage found it. */
struct sl_hop {
	__u32 ifindex;
	__u16 port; /* id */
	/* The port behind which that is; for a station of a VLAN not the internal port, but the
	 * one behind which it is. 0 = it is not known. */
	__u16 station;
	__u16 mtu;
	__u16 qos; /* sl_port.qos of that port */
	/*
	 * TC: let the kernel's neighbour code send this one, because the neighbour is not resolved
	 * yet or to show the kernel that it is in use.
	 */
	bool neigh;
	__u8 gateway_family; /* AF_INET or AF_INET6 */
	__u8 dmac[6] __attribute__((aligned(8)));
	__u8 smac[6];
	union sl_addr gateway; /* unmapped: IPv4 is w[0] */
};
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_hop, smac) ==
		     __builtin_offsetof(struct sl_hop, dmac) + 6,
		 "both MACs are copied at once");

static __always_inline union sl_addr sl_mapped(__be32 v4)
{
	return (union sl_addr){.w = {0, 0, bpf_htonl(0xffff), v4}};
}

/*
 * Is the address in the place of IPv4 among the addresses of IPv6? No packet's address may be
 * there.
 */
static __always_inline bool sl_is_mapped(const union sl_addr *addr)
{
	return !(addr->w[0] | addr->w[1]) && addr->w[2] == bpf_htonl(0xffff);
}

/* Can a single host have this IPv4 address? RFC 1122 section 3.2.1.3, RFC 6890. */
static __always_inline bool sl_is_host4(__be32 addr)
{
	__u8 first = bpf_ntohl(addr) >> 24;

	return first && first != 127 && first < 224;
}

/* Can a single host have this IPv6 address? It is not ::, ::1, a group's, or IPv4's. */
static __always_inline bool sl_is_host6(const union sl_addr *addr)
{
	__be32 low = addr->w[3] & ~bpf_htonl(1);

	return addr->b[0] != 0xff && (addr->w[0] | addr->w[1] | addr->w[2] | low) &&
	       !sl_is_mapped(addr);
}

static __always_inline enum sl_verdict sl_refuse(struct sl_packet *pkt, enum sl_drop reason)
{
	pkt->reason = reason;
	return SL_DROP;
}

/* Refuses the packet if there is a reason; else SL_CONTINUE. */
static __always_inline enum sl_verdict sl_refuse_if(struct sl_packet *pkt, enum sl_drop reason)
{
	return unlikely(reason) ? sl_refuse(pkt, reason) : SL_CONTINUE;
}

/* Writes the key's two addresses in the form that serves both families. */
static __always_inline void sl_packet_addrs(const struct sl_packet *pkt, union sl_addr *saddr,
					    union sl_addr *daddr)
{
	if (pkt->family == AF_INET) {
		*saddr = sl_mapped(pkt->k4.saddr);
		*daddr = sl_mapped(pkt->k4.daddr);
	} else {
		*saddr = pkt->k6.saddr;
		*daddr = pkt->k6.daddr;
	}
}

#endif
