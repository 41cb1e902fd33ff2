/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block list drops frames from a listed source, and to a listed destination, before anything
 * else looks at them. Its own glance at the headers does for that.
 */
#ifndef SLUICE_BPF_BLOCK_BLOCK_H
#define SLUICE_BPF_BLOCK_BLOCK_H

#include "lib/block_image.h"
#include "lib/parse.h"
#include "lib/time.h"
#include "maps/maps.h"

/* The headers that are looked at: Ethernet, two tags, and IPv6. */
#define SL_BLOCK_HEADERS (ETH_HLEN + SL_VLAN_TAGS * VLAN_HLEN + sizeof(struct ipv6hdr))

static __always_inline struct sl_block_state *sl_block_state_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&sl_block_state, &zero);
}

/* Is anything listed at all? */
static __always_inline bool sl_block_any(void)
{
	const struct sl_block_state *state = sl_block_state_now();

	return state && (READ_ONCE(state->listed) | READ_ONCE(state->until));
}

/*
 * Finds the IP header. Returns its offset, with its ethertype in *proto; 0: there is none that can
 * be read.
 */
static __always_inline __u32 sl_block_l3(void *data, void *end, __be16 *proto)
{
	struct ethhdr *eth = data;
	__u32 off = sizeof(*eth);

	if ((void *)(eth + 1) > end)
		return 0;
	*proto = sl_ethertype(eth);
#pragma unroll
	for (int i = 0; i < SL_VLAN_TAGS; i++) {
		struct sl_vlan_tag *tag = data + off;

		if (*proto != bpf_htons(ETH_P_8021Q) && *proto != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return 0;
		*proto = tag->next_proto;
		off += sizeof(*tag);
	}
	return off;
}

static __always_inline struct sl_block_addr6 sl_block_addr6(const struct in6_addr *addr)
{
	const __be32 *w = addr->in6_u.u6_addr32;

	return (struct sl_block_addr6){
	    .high = (__u64)bpf_ntohl(w[0]) << 32 | bpf_ntohl(w[1]),
	    .low = (__u64)bpf_ntohl(w[2]) << 32 | bpf_ntohl(w[3]),
	};
}

/* Looks both addresses up. A function of its own, so that both share one frame of the stack. */
static __noinline int sl_block_listed6(void *lines, const struct sl_block_tables *tables,
				       const struct ipv6hdr *ip6)
{
	return sl_block_has6(lines, tables, sl_block_addr6(&ip6->saddr)) ||
	       sl_block_has6(lines, tables, sl_block_addr6(&ip6->daddr));
}

/* Looks for this address, cut to this length: has it an expiry that has not come? */
static __always_inline bool sl_block_lasts(const struct sl_block_key *key)
{
	const struct sl_block_until *entry = bpf_map_lookup_elem(&sl_block_until, key);

	return entry && bpf_ktime_get_coarse_ns() < READ_ONCE(entry->until);
}

struct sl_block_until_search {
	struct sl_block_addr6 addr; /* in the mapped form */
	__u64 lengths[2];
	bool found;
};

static long sl_block_next_until(__u32 unused, void *context)
{
	struct sl_block_until_search *search = context;
	struct sl_block_addr6 prefix;
	struct sl_block_key key;
	__u32 length;

	if (search->lengths[0]) {
		length = sl_lowest_bit(search->lengths[0]);
		search->lengths[0] &= search->lengths[0] - 1;
	} else if (search->lengths[1]) {
		length = 64 + sl_lowest_bit(search->lengths[1]);
		search->lengths[1] &= search->lengths[1] - 1;
	} else {
		return 1;
	}
	prefix = sl_block_prefix6(&search->addr, length);
	key.addr.w[0] = bpf_htonl(prefix.high >> 32);
	key.addr.w[1] = bpf_htonl(prefix.high);
	key.addr.w[2] = bpf_htonl(prefix.low >> 32);
	key.addr.w[3] = bpf_htonl(prefix.low);
	key.length = length;
	search->found = sl_block_lasts(&key);
	return search->found;
}

/* Has the address, or a prefix of it, an expiry that has not come? Global: the verifier looks once.
 */
__noinline int sl_block_for_now(const union sl_addr *addr)
{
	const struct sl_block_state *state = sl_block_state_now();
	struct sl_block_until_search search = {};
	struct sl_block_key key = {.length = 128};

	if (!addr || !state)
		return 0;
	key.addr = *addr;
	if (sl_block_lasts(&key))
		return 1;
	search.lengths[0] = READ_ONCE(state->lengths[0]);
	search.lengths[1] = READ_ONCE(state->lengths[1]);
	if (likely(!(search.lengths[0] | search.lengths[1])))
		return 0;
	search.addr = sl_block_addr6((const struct in6_addr *)addr);
	bpf_loop(SL_BLOCK_LENGTHS, sl_block_next_until, &search, 0);
	return search.found;
}

/* Does sl_block_for_now() hold for one of the packet's addresses? */
static __noinline int sl_block_expiring(const void *l3, bool is4)
{
	const struct ipv6hdr *ip6 = l3;
	const struct iphdr *ip = l3;
	union sl_addr saddr, daddr;

	if (is4) {
		saddr = sl_mapped(ip->saddr);
		daddr = sl_mapped(ip->daddr);
	} else {
		__builtin_memcpy(&saddr, &ip6->saddr, sizeof(saddr));
		__builtin_memcpy(&daddr, &ip6->daddr, sizeof(daddr));
	}
	return sl_block_for_now(&saddr) || sl_block_for_now(&daddr);
}

/* Is one of the packet's addresses in the image? One image judges both. */
static __always_inline bool sl_block_image_has(const void *l3, bool is4)
{
	__u32 zero = 0, slot;
	void *image = bpf_map_lookup_elem(&sl_block, &zero), *lines;
	const struct sl_block_tables *tables = image ? sl_block_tables_of(image) : NULL;
	const struct iphdr *ip = l3;

	if (!tables)
		return false;
	slot = tables->slot;
	lines = bpf_map_lookup_elem(&sl_block_lines, &slot);
	if (!is4)
		return sl_block_listed6(lines, tables, l3);
	return sl_block_has4(image, lines, tables, bpf_ntohl(ip->saddr)) ||
	       sl_block_has4(image, lines, tables, bpf_ntohl(ip->daddr));
}

/* Is the frame from or to a listed address? Global: the verifier looks once. */
__noinline int sl_block_look(struct sl_ctx *ctx)
{
	const struct sl_block_state *state = sl_block_state_now();
	void *data, *end;
	__be16 proto = 0;
	__u32 off;
	bool is4;

	if (!state || ctx_make_linear(ctx, SL_BLOCK_HEADERS))
		return 0;
	data = ctx_data(ctx);
	end = ctx_data_end(ctx);
	off = sl_block_l3(data, end, &proto);
	data += off;
	if (!off)
		return 0;
	if (proto == bpf_htons(ETH_P_IP) && data + sizeof(struct iphdr) <= end)
		is4 = true;
	else if (proto == bpf_htons(ETH_P_IPV6) && data + sizeof(struct ipv6hdr) <= end)
		is4 = false;
	else
		return 0;
	if (sl_block_image_has(data, is4))
		return 1;
	return unlikely(READ_ONCE(state->until)) && sl_block_expiring(data, is4);
}

/*
 * Says what the image says of an untagged IPv4 frame. SL_BLOCK_SOME: that takes more than a glance.
 */
static __always_inline enum sl_block_share sl_block_glance(struct sl_ctx *ctx)
{
	void *data = ctx_data(ctx), *end = ctx_data_end(ctx), *image;
	const struct sl_block_tables *tables;
	struct iphdr *ip = data + ETH_HLEN;
	enum sl_block_share source, destination;
	__u32 zero = 0;

	if ((void *)(ip + 1) > end || ((struct ethhdr *)data)->h_proto != bpf_htons(ETH_P_IP))
		return SL_BLOCK_SOME;
	image = bpf_map_lookup_elem(&sl_block, &zero);
	tables = image ? sl_block_tables_of(image) : NULL;
	if (!tables)
		return SL_BLOCK_NONE;
	source = sl_block_share4(image, tables, bpf_ntohl(ip->saddr));
	if (source == SL_BLOCK_ALL)
		return source;
	destination = sl_block_share4(image, tables, bpf_ntohl(ip->daddr));
	return destination == SL_BLOCK_NONE ? source : destination;
}

/*
 * Does what sl_block_look() does, for nearly every frame without a call. It is to be asked only if
 * sl_block_any().
 */
static __always_inline bool sl_blocked(struct sl_ctx *ctx)
{
	const struct sl_block_state *state = sl_block_state_now();
	enum sl_block_share share = sl_block_glance(ctx);

	if (share != SL_BLOCK_SOME && (share == SL_BLOCK_ALL || !state || !READ_ONCE(state->until)))
		return share == SL_BLOCK_ALL;
	return sl_block_look(ctx);
}

/*
 * Blocks an address for so many ticks from now on, or for longer if it is blocked for longer.
 * 1: it was not blocked before. 0: it was, or the table is full.
 */
__noinline int sl_block_for(const union sl_addr *addr, __u32 ticks, __u32 by)
{
	struct sl_block_state *state = sl_block_state_now();
	struct sl_block_until entry = {}, *known;
	struct sl_block_key key = {.length = 128};

	if (!addr || !state)
		return 0;
	key.addr = *addr;
	entry.by = by;
	entry.until = bpf_ktime_get_coarse_ns() + ((__u64)ticks << SL_TICK_SHIFT);
	known = bpf_map_lookup_elem(&sl_block_until, &key);
	if (known) {
		if (READ_ONCE(known->until) < entry.until)
			WRITE_ONCE(known->until, entry.until);
		return 0;
	}
	__sync_fetch_and_add(&state->until, 1);
	if (!bpf_map_update_elem(&sl_block_until, &key, &entry, BPF_NOEXIST))
		return 1;
	__sync_fetch_and_sub(&state->until, 1);
	return 0;
}

#endif
