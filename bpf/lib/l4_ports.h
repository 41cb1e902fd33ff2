/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The free ports of an external address and protocol are in a bitmap with a summary of its full
 * words, taken and given back with atomic operations alone. A port is drawn at random (RFC 6056
 * section 3.3.2), each free one as likely as any other, and found as long as there is one. First
 * ports between the first and the last word with room are drawn until one is free: where a pool is
 * a run of ports, as it nearly always is, that rejects as many as are taken. If too many are, the
 * free ones are counted, which takes 6 us at most, and one of them is drawn by its number.
 */
#ifndef SLUICE_BPF_LIB_L4_PORTS_H
#define SLUICE_BPF_LIB_L4_PORTS_H

#include "sluice/abi/nat.h"
#include "lib/bits.h"
#include "lib/packet.h"
#include "maps/maps.h"

#define SL_L4PORT_DRAWS 64 /* before the free ports are counted */
#define SL_L4PORT_TRIES 8  /* counts, after each of which a rival may take what was drawn */

/* What the functions that find a port return in place of one. */
enum sl_l4port_none {
	SL_L4PORT_NONE = -1, /* none is free */
	SL_L4PORT_LOST = -2, /* what was found was taken under our hands, or was not found soon */
};

#define SL_L4PORT_WORDS	    1024
#define SL_L4PORT_SUMMARIES 16

static __always_inline void sl_l4port_hint_full(struct sl_port_bits *bits, __u32 word)
{
	__u64 bit = 1ull << (word & 63);

	__sync_fetch_and_or(&bits->full[(word >> 6) & (SL_L4PORT_SUMMARIES - 1)], bit);
	/* A port may have come back before the hint was set: then the hint is wrong. */
	if (READ_ONCE(bits->used[word & (SL_L4PORT_WORDS - 1)]) != ~0ull)
		__sync_fetch_and_and(&bits->full[(word >> 6) & (SL_L4PORT_SUMMARIES - 1)], ~bit);
}

/*
 * Tells the word that has the port (host order). Clang knows how large a port can be and leaves
 * masks out or applies them early; the verifier of Linux 6.1 then loses the bound (byte swaps,
 * 32-bit "or"). Hence the barriers here.
 */
static __always_inline __u32 sl_l4port_word(__u32 port)
{
	barrier_var(port);
	return (port >> 6) & (SL_L4PORT_WORDS - 1);
}

/* Takes this port (host order) if it is free. */
static __always_inline bool sl_l4port_take(struct sl_port_bits *bits, __u32 port)
{
	__u32 word = sl_l4port_word(port);
	__u64 bit = 1ull << (port & 63);
	__u64 old = __sync_fetch_and_or(&bits->used[word], bit);

	if (old & bit)
		return false;
	if ((old | bit) == ~0ull)
		sl_l4port_hint_full(bits, word);
	return true;
}

static __always_inline void sl_l4port_give_back(struct sl_port_bits *bits, __u32 port)
{
	__u32 word = sl_l4port_word(port);

	__sync_fetch_and_and(&bits->used[word], ~(1ull << (port & 63)));
	__sync_fetch_and_and(&bits->full[word >> 6], ~(1ull << (word & 63)));
}

static __always_inline bool sl_l4port_is_taken(const struct sl_port_bits *bits, __u32 port)
{
	return READ_ONCE(bits->used[sl_l4port_word(port)]) >> (port & 63) & 1;
}

/* Draws a number below `end`: one is at most 2^-16 more likely than another. */
static __always_inline __u32 sl_random_below(__u32 end)
{
	return (__u64)bpf_get_prandom_u32() * end >> 32;
}

/*
 * Finds the first word that the summary says has room; SL_L4PORT_WORDS: none has. Global, as those
 * below: the verifier looks at each once.
 */
__noinline __u32 sl_l4port_first_word(__u32 space)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	for (__u32 i = 0; bits && i < SL_L4PORT_SUMMARIES; i++) {
		__u64 room = ~READ_ONCE(bits->full[i]);

		if (room)
			return i * 64 + sl_lowest_bit(room);
	}
	return SL_L4PORT_WORDS;
}

/* Finds the last such word; 0 also if there is none. */
__noinline __u32 sl_l4port_last_word(__u32 space)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	for (__u32 i = 0; bits && i < SL_L4PORT_SUMMARIES; i++) {
		__u32 summary = SL_L4PORT_SUMMARIES - 1 - i;
		__u64 room = ~READ_ONCE(bits->full[summary]);

		if (room)
			return summary * 64 + sl_highest_bit(room);
	}
	return 0;
}

/* Counts the free ports in a group of 64 words. */
__noinline __u32 sl_l4port_count_free(__u32 space, __u32 group)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	__u32 count = 0;

	if (!bits || group >= SL_L4PORT_SUMMARIES || READ_ONCE(bits->full[group]) == ~0ull)
		return 0;
#pragma nounroll
	for (__u32 i = 0; i < 64; i++)
		count += sl_count_bits(~READ_ONCE(bits->used[group * 64 + i]));
	return count;
}

/* Finds the nth free port of a group of words, from 0 on. SL_L4PORT_LOST: there are fewer by now.
 */
__noinline int sl_l4port_nth(__u32 space, __u32 group, __u32 nth)
{
	const struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);

	if (!bits || group >= SL_L4PORT_SUMMARIES)
		return SL_L4PORT_LOST;
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
	return SL_L4PORT_LOST;
}

/* Draws one of the free ports, by counting them. Returns it, or enum sl_l4port_none. */
static __always_inline int sl_l4port_any(__u32 space)
{
	__u32 total = 0, nth, count;

#pragma nounroll
	for (__u32 i = 0; i < SL_L4PORT_SUMMARIES; i++)
		total += sl_l4port_count_free(space, i);
	if (!total)
		return SL_L4PORT_NONE;
	nth = sl_random_below(total);
#pragma nounroll
	for (__u32 i = 0; i < SL_L4PORT_SUMMARIES; i++) {
		count = sl_l4port_count_free(space, i);
		if (nth < count)
			return sl_l4port_nth(space, i, nth);
		nth -= count;
	}
	return SL_L4PORT_LOST;
}

/* Takes a port where sl_l4port_draw() has found none soon. Returns it, or SL_L4PORT_NONE. */
__noinline int sl_l4port_count_out(__u32 space)
{
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);

	if (!bits || !stats)
		return SL_L4PORT_NONE;
#pragma nounroll
	for (int i = 0; i < SL_L4PORT_TRIES; i++) {
		int port = sl_l4port_any(space);

		if (port == SL_L4PORT_NONE)
			break;
		if (port >= 0 && sl_l4port_take(bits, port))
			return port & 0xffff;
		__sync_fetch_and_add(&stats->retries, 1);
	}
	return SL_L4PORT_NONE;
}

/* Draws until a port is free, and takes it. Returns it, or enum sl_l4port_none. */
__noinline int sl_l4port_draw(__u32 space)
{
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);
	__u32 first = sl_l4port_first_word(space), last = sl_l4port_last_word(space);

	if (!bits || !stats || first >= SL_L4PORT_WORDS)
		return SL_L4PORT_NONE;
	if (last < first) /* the last free ones have just been taken */
		last = first;
#pragma nounroll
	for (int i = 0; i < SL_L4PORT_DRAWS; i++) {
		__u32 port = first * 64 + sl_random_below((last + 1 - first) * 64);

		if (sl_l4port_is_taken(bits, port))
			continue;
		if (sl_l4port_take(bits, port))
			return port & 0xffff;
		__sync_fetch_and_add(&stats->retries, 1);
	}
	return SL_L4PORT_LOST;
}

/*
 * Takes a free port of port space `space`. Returns it in host order, or SL_L4PORT_NONE. One
 * function is called after the other: within each other they would need too much stack.
 */
static __always_inline int sl_l4port_take_any(__u32 space)
{
	int port = sl_l4port_draw(space);

	return port == SL_L4PORT_LOST ? sl_l4port_count_out(space) : port;
}

#endif
