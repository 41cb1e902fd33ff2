/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the packets of the generator: frame by frame, each of the flow that comes next. */
#ifndef SLUICE_BENCH_FRAME_H
#define SLUICE_BENCH_FRAME_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "traffic.h"

const volatile struct bench_send conf;
const volatile __u32 quantiles[BENCH_QUANTILES + 1]; /* for BENCH_ZIPF */

__u64 turn; /* packets made so far */
__u64 random_state = 1;

/* xorshift64* (Vigna 2016): its upper half passes for uniform. */
static __always_inline __u32 draw(__u32 below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return ((random_state * 0x2545f4914f6cdd1dull >> 32) * below) >> 32;
}

/* Ones' complement sum of a value's 16-bit words (RFC 1071: byte order does not matter). */
static __always_inline __u32 sum32(__u32 value)
{
	return (value & 0xffff) + (value >> 16);
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = sum32(sum);
	return ~sum32(sum);
}

struct tuple {
	__be32 saddr, daddr; /* IPv6: the last 32 bits */
	__be16 sport;
};

static __always_inline struct tuple tuple_of(__u32 flow)
{
	__u32 sockets = conf.flows.hosts * conf.flows.ports;
	__u32 socket = flow % sockets;
	__u32 remote = (flow / sockets + socket) % conf.flows.remotes;

	return (struct tuple){
	    .saddr = bpf_htonl(conf.flows.source + socket % conf.flows.hosts * conf.flows.stride),
	    .daddr = bpf_htonl(conf.flows.remote + remote),
	    .sport = bpf_htons(conf.flows.sport + socket / conf.flows.hosts),
	};
}

/* Between two quantiles, which are far apart only where flows are rare, uniformly. */
static __always_inline __u32 draw_zipf(void)
{
	__u32 k = draw(BENCH_QUANTILES) % BENCH_QUANTILES;

	return quantiles[k] + draw(quantiles[k + 1] - quantiles[k] + 1);
}

static __always_inline __u32 next_flow(void)
{
	if (conf.order == BENCH_IN_TURN)
		return turn % conf.flows.count;
	return conf.order == BENCH_ZIPF ? draw_zipf() : draw(conf.flows.count);
}

static __always_inline struct bench_stamp next_stamp(void)
{
	__u32 flow = next_flow();

	return (struct bench_stamp){
	    .magic = BENCH_MAGIC,
	    .flow = conf.flows.first + flow,
	    .sequence = conf.sequence + turn++,
	};
}

/* The UDP checksum covers the addresses too (RFC 768, RFC 8200 section 8.1). */
static __always_inline __be16 udp_checksum(const struct tuple *t, const struct bench_stamp *stamp)
{
	__u32 sum = conf.udp_sum + sum32(t->saddr) + sum32(t->daddr) + t->sport +
		    sum32(stamp->flow) + sum32(stamp->sequence) + sum32(stamp->sequence >> 32);

	return fold(sum) ?: 0xffff; /* 0 would mean "no checksum" */
}

static __always_inline void fill_udp(struct udphdr *udp, const struct tuple *t,
				     const struct bench_stamp *stamp)
{
	udp->source = t->sport;
	udp->check = udp_checksum(t, stamp);
	*(struct bench_stamp *)(udp + 1) = *stamp;
}

static __always_inline void fill4(struct iphdr *ip, const struct tuple *t,
				  const struct bench_stamp *stamp)
{
	ip->saddr = t->saddr;
	ip->daddr = t->daddr;
	ip->check = fold(conf.ip_sum + sum32(t->saddr) + sum32(t->daddr));
	fill_udp((void *)(ip + 1), t, stamp);
}

static __always_inline void fill6(struct ipv6hdr *ip, const struct tuple *t,
				  const struct bench_stamp *stamp)
{
	ip->saddr.in6_u.u6_addr32[3] = t->saddr;
	ip->daddr.in6_u.u6_addr32[3] = t->daddr;
	fill_udp((void *)(ip + 1), t, stamp);
}

static __always_inline void fill_macs(struct ethhdr *eth, __u32 flow)
{
	if (conf.flows.macs == 1)
		return; /* as copied */
	*(__be32 *)(eth->h_dest + 2) = bpf_htonl(conf.to + flow % conf.flows.macs);
	*(__be32 *)(eth->h_source + 2) = bpf_htonl(conf.from + flow % conf.flows.macs);
}

static __always_inline void copy_head(__u64 *to, __u32 size)
{
	for (__u32 i = 0; i < size / sizeof(__u64); i++)
		to[i] = conf.head[i];
	if (size % sizeof(__u64)) /* 60 bytes: half a word is left */
		*(__u32 *)(to + size / sizeof(__u64)) = conf.head[size / sizeof(__u64)];
}

/*
 * Makes the frame in [data, end) the next packet. False if it is too short. The whole head is
 * written: the frame comes as its last user left it.
 */
static __always_inline bool next_frame(void *data, void *end)
{
	struct bench_stamp stamp;
	struct tuple tuple;

	stamp = next_stamp();
	tuple = tuple_of(stamp.flow);
	if (conf.ipv6) {
		if (data + BENCH_MIN_SIZE6 > end)
			return false;
		copy_head(data, BENCH_MIN_SIZE6);
		fill6(data + ETH_HLEN, &tuple, &stamp);
	} else {
		if (data + BENCH_MIN_SIZE4 > end)
			return false;
		copy_head(data, BENCH_MIN_SIZE4);
		fill4(data + ETH_HLEN, &tuple, &stamp);
	}
	fill_macs(data, stamp.flow);
	return true;
}

#endif
