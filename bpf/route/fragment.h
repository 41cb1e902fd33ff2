/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Only the first fragment of a packet has the ports that name its flow (TC). It leaves them for the
 * later ones once it has passed, so that what was refused has none. The entry goes with the last
 * fragment, or after 30 s. A port has so many of them at a time: with more of its own it ends its
 * oldest, and none of another's.
 */
#ifndef SLUICE_BPF_ROUTE_FRAGMENT_H
#define SLUICE_BPF_ROUTE_FRAGMENT_H

#include "lib/packet.h"
#include "lib/port.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "maps/work.h"

static __always_inline void sl_fragment_key(const struct sl_packet *pkt, __u16 in_port,
					    struct sl_fragment_key *key)
{
	bool v4 = pkt->family == AF_INET;

	*key = (struct sl_fragment_key){
	    .id = pkt->frag_id,
	    .domain = v4 ? pkt->k4.domain : pkt->k6.domain,
	    .in_port = in_port,
	    .proto = v4 ? pkt->proto : 0,
	};
	sl_packet_addrs(pkt, &key->saddr, &key->daddr);
}

static __always_inline bool sl_fragment_expired(const struct sl_fragment *entry)
{
	return sl_tick_now() - entry->tick >= SL_FRAGMENT_TICKS;
}

/* Is it a whole packet, with nothing before it and nothing behind it (RFC 6946)? */
static __always_inline bool sl_fragment_is_atomic(const struct sl_packet *pkt)
{
	return !pkt->frag_place;
}

/* Counts the bytes of what was cut up that are in this fragment. */
static __always_inline __u32 sl_fragment_bytes(const struct sl_packet *pkt)
{
	return pkt->l3_len - (pkt->frag_at - pkt->l3_off);
}

static __always_inline struct sl_fragment *sl_fragment_find(const struct sl_fragment_key *key)
{
	union sl_fragment_value *value = bpf_map_lookup_elem(&sl_fragments, key);

	return value ? &value->packet : NULL;
}

/* Takes the number of the port's next packet. */
static __always_inline __u32 sl_fragment_number(struct sl_parts *parts, __u32 port)
{
	union sl_fragment_value *value;

	parts->place.id = 0;
	parts->place.in_port = port;
	parts->place.kind = SL_FRAGMENT_COUNT;
	value = bpf_map_lookup_elem(&sl_fragments, &parts->place);
	if (!value) {
		bpf_map_update_elem(&sl_fragments, &parts->place, &parts->none, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&sl_fragments, &parts->place);
	}
	return value ? __sync_fetch_and_add(&value->count, 1) : 0;
}

/*
 * Gives the packet of parts->key a place among those of the port, and ends the one that had it.
 * Returns its number.
 */
static __always_inline __u32 sl_fragment_enlist(struct sl_parts *parts, __u32 port)
{
	__u32 number = sl_fragment_number(parts, port);
	union sl_fragment_value *before;
	struct sl_fragment *oldest;

	parts->place.id = number % SL_FRAGMENTS;
	parts->place.kind = SL_FRAGMENT_PLACE;
	before = bpf_map_lookup_elem(&sl_fragments, &parts->place);
	oldest = before ? sl_fragment_find(&before->place) : NULL;
	if (oldest && oldest->number == number - SL_FRAGMENTS)
		bpf_map_delete_elem(&sl_fragments, &before->place);
	parts->value.place = parts->key;
	bpf_map_update_elem(&sl_fragments, &parts->place, &parts->value, BPF_ANY);
	return number;
}

/*
 * Tells whose entry it is: the sender's if that is a VM, else that of whom it is for, if that is
 * known.
 */
static __always_inline __u32 sl_fragment_owner(struct __sk_buff *ctx, __u32 in_port, __u32 out_port)
{
	const struct sl_port *in = in_port ? sl_port_find(ctx_ifindex(ctx)) : NULL;

	if (out_port >= SL_MAX_PORTS || (in && in->role == SL_ROLE_ACCESS))
		return in_port;
	return out_port;
}

/*
 * Notes the first fragment in work->pkt, which passes. Headers once seen stay out of reach of later
 * fragments, even if another first fragment is shorter. Global: the verifier looks once.
 * @param out_port id; 0: the host; SL_MAX_PORTS or more: it is not known
 */
__noinline int sl_fragment_note(struct __sk_buff *ctx, __u32 in_port, __u32 out_port)
{
	__u32 zero = 0, number, owner;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	const struct sl_fragment *before;
	const struct sl_packet *pkt;
	struct sl_fragment *entry;

	if (!work)
		return 0;
	pkt = &work->pkt;
	if (pkt->fragment != SL_FRAG_FIRST || sl_fragment_is_atomic(pkt) || sl_is_damaged(pkt))
		return 0;
	owner = sl_fragment_owner(ctx, in_port, out_port);
	sl_fragment_key(pkt, in_port, &work->parts.key);
	before = sl_fragment_find(&work->parts.key);
	number = before ? before->number : sl_fragment_enlist(&work->parts, owner);
	__builtin_memset(&work->parts.value, 0, sizeof(work->parts.value));
	entry = &work->parts.value.packet;
	entry->tick = sl_tick_now();
	entry->number = number;
	entry->sport = pkt->family == AF_INET ? pkt->k4.sport : pkt->k6.sport;
	entry->dport = pkt->family == AF_INET ? pkt->k4.dport : pkt->k6.dport;
	entry->proto = pkt->proto;
	entry->head = pkt->l4_off + pkt->l4_hlen - pkt->frag_at;
	entry->seen = sl_fragment_bytes(pkt);
	if (before && !sl_fragment_expired(before) && before->head > entry->head)
		entry->head = before->head;
	bpf_map_update_elem(&sl_fragments, &work->parts.key, &work->parts.value, BPF_ANY);
	return 0;
}

/* Counts a later fragment; the last one of all ends the entry. */
static __always_inline void sl_fragment_count(const struct sl_fragment_key *key,
					      struct sl_fragment *entry,
					      const struct sl_packet *pkt)
{
	__u32 bytes = sl_fragment_bytes(pkt), seen;

	if (!(pkt->frag_place & SL_FRAG_MORE))
		WRITE_ONCE(entry->whole, (pkt->frag_place & SL_FRAG_BEFORE) + bytes);
	seen = __sync_fetch_and_add(&entry->seen, bytes) + bytes;
	if (READ_ONCE(entry->whole) && seen >= READ_ONCE(entry->whole))
		bpf_map_delete_elem(&sl_fragments, key);
}

/*
 * Gives a later fragment the ports of its first one, if that has passed: pkt->frag_known. Sets
 * pkt->reason if it would overlay headers (RFC 1858, RFC 3128, RFC 5722), or make the packet longer
 * than any is. Global: the verifier looks once.
 */
__noinline int sl_fragment_follow(struct sl_packet *pkt, __u32 in_port)
{
	struct sl_fragment_key key;
	struct sl_fragment *entry;
	__u32 before;

	if (!pkt || pkt->fragment != SL_FRAG_LATER || sl_is_damaged(pkt) || pkt->frag_known)
		return 0;
	before = pkt->frag_place & SL_FRAG_BEFORE;
	if (before + sl_fragment_bytes(pkt) > 0xffff) {
		pkt->reason = SL_DROP_MALFORMED;
		return 0;
	}
	sl_fragment_key(pkt, in_port, &key);
	entry = sl_fragment_find(&key);
	if (!entry || sl_fragment_expired(entry))
		return 0;
	if (before < entry->head) {
		pkt->reason = SL_DROP_MALFORMED;
		return 0;
	}
	pkt->frag_known = true;
	pkt->proto = entry->proto;
	if (pkt->family == AF_INET) {
		pkt->k4.sport = entry->sport;
		pkt->k4.dport = entry->dport;
	} else {
		pkt->k6.sport = entry->sport;
		pkt->k6.dport = entry->dport;
		pkt->k6.proto = entry->proto;
	}
	sl_fragment_count(&key, entry, pkt);
	return 0;
}

#endif
