/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The free ports of an external address and protocol: a bitmap with a summary of its full words,
 * taken and given back with atomic operations alone. A port is drawn at random (RFC 6056 section
 * 3.3.1), and found as long as there is one, in at most 16 + 1 reads.
 */
#ifndef SLUICE_BPF_STAGE_PORTS_H
#define SLUICE_BPF_STAGE_PORTS_H

#include "lib/bits.h"
#include "lib/packet.h"
#include "maps/maps.h"

#define SL_PORT_TRIES 32 /* draws that may meet a rival or a host socket before we give up */

#define SL_WORDS     1024
#define SL_SUMMARIES 16

static __always_inline int sl_l4_of(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return SL_L4_TCP;
	case IPPROTO_UDP:
		return SL_L4_UDP;
	case IPPROTO_ICMP:
		return SL_L4_ICMP;
	default:
		return -1;
	}
}

static __always_inline void sl_ports_hint_full(struct sl_port_bits *bits, __u32 word)
{
	__u64 bit = 1ull << (word & 63);

	__sync_fetch_and_or(&bits->full[(word >> 6) & (SL_SUMMARIES - 1)], bit);
	/* A port may have come back before the hint was set: then the hint is wrong. */
	if (READ_ONCE(bits->used[word & (SL_WORDS - 1)]) != ~0ull)
		__sync_fetch_and_and(&bits->full[(word >> 6) & (SL_SUMMARIES - 1)], ~bit);
}

/*
 * The word that has the port (host order). Clang knows how large a port can be and leaves masks out
 * or applies them early; the verifier of Linux 6.1 then loses the bound (byte swaps, 32-bit "or").
 * Hence the barriers here.
 */
static __always_inline __u32 sl_ports_word_of(__u32 port)
{
	barrier_var(port);
	return (port >> 6) & (SL_WORDS - 1);
}

/* Takes this port (host order) if it is free. */
static __always_inline bool sl_port_take(struct sl_port_bits *bits, __u32 port)
{
	__u32 word = sl_ports_word_of(port);
	__u64 bit = 1ull << (port & 63);
	__u64 old = __sync_fetch_and_or(&bits->used[word], bit);

	if (old & bit)
		return false;
	if ((old | bit) == ~0ull)
		sl_ports_hint_full(bits, word);
	return true;
}

static __always_inline void sl_port_give_back(struct sl_port_bits *bits, __u32 port)
{
	__u32 word = sl_ports_word_of(port);

	__sync_fetch_and_and(&bits->used[word], ~(1ull << (port & 63)));
	__sync_fetch_and_and(&bits->full[word >> 6], ~(1ull << (word & 63)));
}

/* The first word at or after `start`, going round, that the summary says has room; or -1. */
static __always_inline int sl_ports_word(const struct sl_port_bits *bits, __u32 start)
{
#pragma nounroll
	for (__u32 i = 0; i <= SL_SUMMARIES; i++) {
		__u32 summary = ((start >> 6) + i) & (SL_SUMMARIES - 1);
		__u64 room = ~READ_ONCE(bits->full[summary]);

		if (!i)
			room &= ~0ull << (start & 63);
		if (room)
			return summary * 64 + sl_lowest_bit(room);
	}
	return -1;
}

/*
 * Draws a free port of port space `space` and takes it. Host order, or -1 if there is none.
 * A function of its own, not static, so that the verifier looks at it once.
 */
__noinline int sl_port_draw(__u32 space)
{
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);
	__u32 seed = bpf_get_prandom_u32();

	if (!bits || !stats)
		return -1;
#pragma nounroll
	for (int i = 0; i < SL_PORT_TRIES; i++) {
		int word = sl_ports_word(bits, (seed >> 6) & (SL_WORDS - 1));
		__u32 turn = seed & 63, port;
		__u64 room;

		if (word < 0)
			return -1;
		barrier_var(word); /* the mask must come last: see above */
		word &= SL_WORDS - 1;
		room = ~READ_ONCE(bits->used[word]);
		if (!room) {
			sl_ports_hint_full(bits, word);
			continue;
		}
		room = room >> turn | room << ((64 - turn) & 63);
		port = word * 64 + ((sl_lowest_bit(room) + turn) & 63);
		if (sl_port_take(bits, port))
			return port;
		__sync_fetch_and_add(&stats->retries, 1);
	}
	return -1;
}

#endif
