/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The free ports of an external address and protocol: a bitmap with a summary of its full words,
 * taken and given back with atomic operations alone. A port is drawn at random (RFC 6056 section
 * 3.3.2), each free one as likely as any other, and found as long as there is one. First ports
 * between the first and the last word with room are drawn until one is free: where a pool is a run
 * of ports, as it nearly always is, that rejects as many as are taken. If too many are, the free
 * ones are counted, which takes 6 us at most, and one of them is drawn by its number.
 */
#ifndef SLUICE_BPF_LIB_L4_PORTS_H
#define SLUICE_BPF_LIB_L4_PORTS_H

#include "lib/bits.h"
#include "lib/packet.h"
#include "maps/maps.h"

#define SL_PORT_DRAWS 64 /* before the free ports are counted */
#define SL_PORT_TRIES 8	 /* counts, after each of which a rival may take what was drawn */

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

static __always_inline bool sl_port_is_taken(const struct sl_port_bits *bits, __u32 port)
{
	return READ_ONCE(bits->used[sl_ports_word_of(port)]) >> (port & 63) & 1;
}

/* A number below `end`: one is at most 2^-16 more likely than another. */
static __always_inline __u32 sl_random_below(__u32 end)
{
	return (__u64)bpf_get_prandom_u32() * end >> 32;
}

/*
 * The first word that the summary says has room; SL_WORDS: none has. Global, as those below: the
 * verifier looks at each once.
 */
__noinline __u32 sl_ports_first(__u32 space)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	for (__u32 i = 0; bits && i < SL_SUMMARIES; i++) {
		__u64 room = ~READ_ONCE(bits->full[i]);

		if (room)
			return i * 64 + sl_lowest_bit(room);
	}
	return SL_WORDS;
}

/* The last one; 0 also if there is none. */
__noinline __u32 sl_ports_last(__u32 space)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	for (__u32 i = 0; bits && i < SL_SUMMARIES; i++) {
		__u32 summary = SL_SUMMARIES - 1 - i;
		__u64 room = ~READ_ONCE(bits->full[summary]);

		if (room)
			return summary * 64 + sl_highest_bit(room);
	}
	return 0;
}

/* How many ports are free in a group of 64 words. */
__noinline __u32 sl_ports_free(__u32 space, __u32 group)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	__u32 count = 0;

	if (!bits || group >= SL_SUMMARIES || READ_ONCE(bits->full[group]) == ~0ull)
		return 0;
#pragma nounroll
	for (__u32 i = 0; i < 64; i++)
		count += sl_count_bits(~READ_ONCE(bits->used[group * 64 + i]));
	return count;
}

#define SL_PORT_LOST -2

/* The nth free port of a group of words, from 0 on; SL_PORT_LOST: there are not so many by now. */
__noinline int sl_ports_nth(__u32 space, __u32 group, __u32 nth)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	if (!bits || group >= SL_SUMMARIES)
		return SL_PORT_LOST;
#pragma nounroll
	for (__u32 i = 0; i < 64; i++) {
		__u64 room = ~READ_ONCE(bits->used[group * 64 + i]);
		__u32 count = sl_count_bits(room);

		if (nth >= count) {
			nth -= count;
			continue;
		}
		return (group * 64 + i) * 64 + sl_nth_bit(room, nth);
	}
	return SL_PORT_LOST;
}

/* Any free port, by counting. -1: there is none; SL_PORT_LOST: one was taken under our hands. */
static __always_inline int sl_ports_any(__u32 space)
{
	__u32 total = 0, nth, count;

#pragma nounroll
	for (__u32 i = 0; i < SL_SUMMARIES; i++)
		total += sl_ports_free(space, i);
	if (!total)
		return -1;
	nth = sl_random_below(total);
#pragma nounroll
	for (__u32 i = 0; i < SL_SUMMARIES; i++) {
		count = sl_ports_free(space, i);
		if (nth < count)
			return sl_ports_nth(space, i, nth);
		nth -= count;
	}
	return SL_PORT_LOST;
}

/* What sl_port_draw() leaves. Host order, or -1 if there is none. */
__noinline int sl_port_count_out(__u32 space)
{
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);

	if (!bits || !stats)
		return -1;
#pragma nounroll
	for (int i = 0; i < SL_PORT_TRIES; i++) {
		int port = sl_ports_any(space);

		if (port == -1)
			break;
		if (port >= 0 && sl_port_take(bits, port))
			return port & 0xffff;
		__sync_fetch_and_add(&stats->retries, 1);
	}
	return -1;
}

/* Draws until a port is free. Host order; -1: none is; SL_PORT_LOST: few are, if any. */
__noinline int sl_port_draw(__u32 space)
{
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);
	__u32 first = sl_ports_first(space), last = sl_ports_last(space);

	if (!bits || !stats || first >= SL_WORDS)
		return -1;
	if (last < first) /* the last free ones have just been taken */
		last = first;
#pragma nounroll
	for (int i = 0; i < SL_PORT_DRAWS; i++) {
		__u32 port = first * 64 + sl_random_below((last + 1 - first) * 64);

		if (sl_port_is_taken(bits, port))
			continue;
		if (sl_port_take(bits, port))
			return port & 0xffff;
		__sync_fetch_and_add(&stats->retries, 1);
	}
	return SL_PORT_LOST;
}

/*
 * Takes a free port of port space `space`. Host order, or -1 if there is none. One function after
 * the other: within each other they would need too much stack.
 */
static __always_inline int sl_port_take_any(__u32 space)
{
	int port = sl_port_draw(space);

	return port == SL_PORT_LOST ? sl_port_count_out(space) : port;
}

#endif
