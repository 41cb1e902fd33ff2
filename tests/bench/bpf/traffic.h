/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sluice-gen's user space and its BPF programs agree on: which packets are sent, and
 * what the sink counts. One definition, valid C and C++.
 */
#ifndef SLUICE_BENCH_TRAFFIC_H
#define SLUICE_BENCH_TRAFFIC_H

#include "sluice/abi/types.h"

#define BENCH_MAGIC 0x736c7563u
#define BENCH_TTL   64
#define BENCH_PORT  9  /* that packets are sent to: discard (RFC 863) */
#define BENCH_BATCH 64 /* packets sent in one go, as many as a driver's NAPI poll takes */

/* The first bytes of every UDP payload; the rest of the payload is zero. Host order. */
struct bench_stamp {
	__u32 magic;
	__u32 flow;
	__u64 sequence; /* of the packet: higher than any sent before, in this run or an earlier */
};
SL_STATIC_ASSERT(sizeof(struct bench_stamp) == 16, "bench_stamp is 16 bytes");

/* The copied head of a frame, in 8-byte words: Ethernet, IPv6, UDP and stamp are 78 bytes. */
#define BENCH_HEAD_WORDS 10
#define BENCH_MIN_SIZE4	 60
#define BENCH_MIN_SIZE6	 80
#define BENCH_MAX_SIZE	 1514

/*
 * The flows, numbered from 0. Flow i comes from socket s = i % (hosts * ports): host
 * source + s % hosts * stride, port sport + s / hosts; it goes to remote + (i / sockets + s) %
 * remotes. So flows up to `sockets` have each a socket of their own, spread over all remotes, and
 * sockets * remotes flows are possible before a tuple comes twice. Of `macs` hosts on either side
 * of a switch the one with MAC from + i % macs sends it to MAC to + i % macs.
 */
struct bench_flows {
	__u32 first, count; /* the flows sent: first .. first + count - 1 */
	__u32 hosts, ports, remotes;
	__u32 source, remote; /* host order; IPv6: the last 32 bits of the address */
	__u16 sport;	      /* host order */
	__u32 macs;
	__u32 stride; /* from one host to the next, modulo 2^32 */
};

/*
 * Popularity: flow n is drawn 1 / (n + 1)^s times as often as flow 0. Entry k is the first flow of
 * which it and all before it have at least k / BENCH_QUANTILES of the draws.
 */
#define BENCH_QUANTILES 4096

enum bench_order {
	BENCH_IN_TURN,
	BENCH_UNIFORM,
	BENCH_ZIPF,
};

/* How to send them; rodata of the sender. */
struct bench_send {
	__u64 head[BENCH_HEAD_WORDS]; /* the frame's head, with all that varies left zero */
	/* Ones' complement sums of what is constant under the checksum, unfolded. */
	__u32 ip_sum, udp_sum;
	__u64 sequence; /* of the first packet */
	struct bench_flows flows;
	__u32 from, to; /* the last 32 bits of the first MACs, host order */
	__u32 ifindex;
	__u32 size; /* bytes of a frame */
	__u32 gap;  /* nanoseconds from one packet to the next; 0 = as fast as can be */
	__u16 vlan; /* tag of what the timing program gives to TC; 0 = none */
	__u8 ipv6;
	__u8 order; /* of the flows: enum bench_order */
};

/* The sink tells this many flows apart by their numbers when it checks their order. */
#define BENCH_ORDER_FLOWS (1u << 20)

/* What the sink saw, per CPU. Only `packets` and `bytes` unless it was told to check. */
struct bench_seen {
	__u64 packets;
	__u64 bytes;
	__u64 foreign;	    /* not of the sender: ARP, neighbour discovery, ... */
	__u64 bad_checksum; /* IPv4 header or UDP */
	__u64 reordered;    /* came after a packet of its flow with a higher sequence */
	__u64 untranslated; /* the source is still inside the prefix told */
	__u64 unrouted;	    /* TTL or hop limit is as it was sent */
};

#endif
