/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floods and scans are detected where a session begins, where TCP's handshake ends, and at each
 * SL_DETECT_STRIDE-th packet of a UDP or ICMP flow: an established flow pays nothing else for it.
 */
#ifndef SLUICE_BPF_DETECT_DETECT_H
#define SLUICE_BPF_DETECT_DETECT_H

#include "lib/event.h"
#include "lib/fib.h"
#include "lib/packet.h"
#include "lib/settings.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "block/block.h"

#define SL_DETECT_STRIDE 256 /* a power of two */

/*
 * What a detector is told. It counts once for each `item` (a hash), or `amount` times if that is 0.
 */
struct sl_observation {
	__u32 key; /* hash of the source, destination or port, and of the detector */
	__u32 item;
	__u32 amount;
};

/*
 * Hashes two numbers with the secret, so that nobody finds a source whose slot is another's, or
 * ports that a scan may try as one. Global: the verifier looks once.
 */
__noinline __u32 sl_detect_hash(__u64 a, __u64 b)
{
	const struct sl_settings *settings = sl_settings_now();
	sl_word words[] = {a, b};

	return settings ? sl_hash(words, 2, &settings->flow_seed) : 0;
}

static __always_inline __u32 sl_detect_addr(const union sl_addr *addr)
{
	const sl_word *words = (const sl_word *)addr;

	return sl_detect_hash(words[0], words[1]);
}

/* Makes sl_observation.item of what was tried. */
static __always_inline __u32 sl_detect_item(__u32 what)
{
	return sl_detect_hash(what, 0) | 1;
}

/*
 * Finds the slot of a key, and begins it anew if its window is over. Two CPUs may both begin it: a
 * few counts are lost then.
 */
static __always_inline struct sl_detect *sl_detect_slot(__u32 key, __u32 now, __u32 window)
{
	__u32 first = key & (SL_DETECT_SLOTS - 2), second = first | 1, tag = key | 1;
	struct sl_detect *a = bpf_map_lookup_elem(&sl_detect, &first);
	struct sl_detect *b = bpf_map_lookup_elem(&sl_detect, &second), *slot;

	if (!a || !b)
		return NULL;
	if (a->tag == tag)
		slot = a;
	else if (b->tag == tag)
		slot = b;
	else
		slot = a->count <= b->count || now - a->begun > now - b->begun + window ? a : b;
	if (slot->tag == tag && now - slot->begun < window)
		return slot;
	slot->tag = tag;
	slot->begun = now;
	slot->count = 0;
	__builtin_memset(slot->seen, 0, sizeof(slot->seen));
	return slot;
}

/* Finds the word of the set that an item's bit is in. */
static __always_inline __u64 *sl_detect_word(struct sl_detect *slot, __u32 item)
{
	return &slot->seen[item >> 24 & 3];
}

static __always_inline __u64 sl_detect_bit(__u32 item)
{
	return 1ull << (item >> 26);
}

/* Was the item new in the set? */
static __always_inline bool sl_detect_add(struct sl_detect *slot, __u32 item)
{
	__u64 bit = sl_detect_bit(item);

	return !(__sync_fetch_and_or(sl_detect_word(slot, item), bit) & bit);
}

/* Counts an observation. Returns what is to be done about it: SL_DETECT_OFF up to the threshold. */
static __noinline enum sl_detect_action
sl_observe(struct sl_ctx *ctx, __u32 port, enum sl_detector what, const struct sl_observation *seen)
{
	__u32 index = what, count;
	const struct sl_detect_rule *rule = bpf_map_lookup_elem(&sl_detect_rules, &index);
	struct sl_detect *slot;

	if (!rule || rule->action == SL_DETECT_OFF)
		return SL_DETECT_OFF;
	slot = sl_detect_slot(seen->key, sl_tick_now(), rule->window);
	if (!slot || (seen->item && !sl_detect_add(slot, seen->item)))
		return SL_DETECT_OFF;
	count = __sync_fetch_and_add(&slot->count, seen->amount) + seen->amount;
	if (likely((__s32)count <= (__s32)rule->threshold))
		return SL_DETECT_OFF;
	sl_event_notice(ctx, port, SL_EVENT_SYN_FLOOD + what, 0);
	return rule->action;
}

/* Takes back what turned out to be no attack. */
static __noinline void sl_unobserve(enum sl_detector what, __u32 key, __u32 item)
{
	__u32 index = what, first = key & (SL_DETECT_SLOTS - 2), second = first | 1;
	const struct sl_detect_rule *rule = bpf_map_lookup_elem(&sl_detect_rules, &index);
	struct sl_detect *slot = bpf_map_lookup_elem(&sl_detect, &first);
	__u64 bit;

	if (!rule || rule->action == SL_DETECT_OFF || !slot)
		return;
	if (slot->tag != (key | 1))
		slot = bpf_map_lookup_elem(&sl_detect, &second);
	if (!slot || slot->tag != (key | 1))
		return;
	bit = sl_detect_bit(item);
	if (item && !(__sync_fetch_and_and(sl_detect_word(slot, item), ~bit) & bit))
		return;
	__sync_fetch_and_add(&slot->count, -1);
}

/* What detectors go by, of a packet. */
struct sl_suspect {
	__u32 source, destination; /* hashes */
	__u16 port;		   /* destination port */
	__u8 proto;
	__u8 over; /* 1 + the detector that wants the source blocked; 0 = none does */
};

static __always_inline struct sl_suspect sl_suspect(const struct sl_packet *pkt)
{
	union sl_addr source, destination;
	struct sl_suspect who = {.proto = pkt->proto};

	sl_packet_addrs(pkt, &source, &destination);
	who.source = sl_detect_addr(&source);
	who.destination = sl_detect_addr(&destination);
	who.port = pkt->family == AF_INET ? pkt->k4.dport : pkt->k6.dport;
	return who;
}

static __always_inline __u32 sl_detect_key(enum sl_detector what, __u32 a, __u32 b)
{
	return sl_detect_hash((__u64)b << 32 | a, what);
}

/* Is the observation over the threshold, so that the packet is to be dropped for it? */
static __always_inline bool sl_suspicious(struct sl_ctx *ctx, __u32 port, enum sl_detector what,
					  struct sl_suspect *who, const struct sl_observation *seen)
{
	enum sl_detect_action action = sl_observe(ctx, port, what, seen);

	if (unlikely(action == SL_DETECT_BLOCK))
		who->over = 1 + what;
	return action >= SL_DETECT_LIMIT;
}

/*
 * Is it an address of the host itself, which a spoofer must not get blocked? Neither the kernel nor
 * we can tell it from one to which there is no route.
 */
static __noinline bool sl_is_hosts_address(struct sl_ctx *ctx, const union sl_addr *addr)
{
	return sl_fib_is_no_way(ctx, ctx_ifindex(ctx), addr);
}

/* Puts the packet's source on the block list, as the detector's rule says. */
static __noinline int sl_detect_block(struct sl_ctx *ctx, const struct sl_packet *pkt, __u32 port,
				      __u32 what)
{
	struct sl_notice notice = {.port = port, .kind = SL_EVENT_SOURCE_BLOCKED, .reason = what};
	const struct sl_detect_rule *rule = bpf_map_lookup_elem(&sl_detect_rules, &what);
	union sl_addr source, destination;

	sl_packet_addrs(pkt, &source, &destination);
	if (rule && !sl_is_hosts_address(ctx, &source) && sl_block_for(&source, rule->block, what))
		sl_event_of(ctx, &notice);
	return 0;
}

static __always_inline bool sl_is_icmp(__u8 proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;
}

/* Counts packets of UDP or ICMP, by source and by destination. True: they are over a threshold. */
static __always_inline bool sl_observe_packets(struct sl_ctx *ctx, __u32 port,
					       struct sl_suspect *who, __u32 packets)
{
	enum sl_detector to =
	    sl_is_icmp(who->proto) ? SL_DETECT_ICMP_FLOOD_TO : SL_DETECT_UDP_FLOOD_TO;
	struct sl_observation seen = {.key = sl_detect_key(to, who->destination, 0),
				      .amount = packets};
	bool over = sl_suspicious(ctx, port, to, who, &seen);

	seen.key = sl_detect_key(to + 1, who->source, 0);
	return sl_suspicious(ctx, port, to + 1, who, &seen) || over;
}

/*
 * Counts a connection that begins: it is half-open, and tries a port and a host. True: it is over a
 * threshold.
 */
static __always_inline bool sl_observe_syn(struct sl_ctx *ctx, __u32 port, struct sl_suspect *who)
{
	struct sl_observation seen = {.amount = 1};
	bool over;

	seen.key = sl_detect_key(SL_DETECT_SYN_FLOOD, who->destination, 0);
	over = sl_suspicious(ctx, port, SL_DETECT_SYN_FLOOD, who, &seen);
	seen.key = sl_detect_key(SL_DETECT_PORT_SCAN, who->source, who->destination);
	seen.item = sl_detect_item(who->port);
	over |= sl_suspicious(ctx, port, SL_DETECT_PORT_SCAN, who, &seen);
	seen.key = sl_detect_key(SL_DETECT_HOST_SCAN, who->source, who->port);
	seen.item = who->destination | 1;
	return sl_suspicious(ctx, port, SL_DETECT_HOST_SCAN, who, &seen) || over;
}

/*
 * Counts a session that is about to begin with *pkt. Returns the reason against it, if there is
 * one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_detect_open(struct sl_ctx *ctx, const struct sl_packet *pkt, __u32 port)
{
	struct sl_observation flow = {.amount = 1};
	struct sl_suspect who;
	bool over;

	if (!pkt)
		return SL_DROP_NONE;
	who = sl_suspect(pkt);
	flow.key = sl_detect_key(SL_DETECT_CONNECTION_RATE, port, 0);
	over = sl_suspicious(ctx, port, SL_DETECT_CONNECTION_RATE, &who, &flow);
	if (who.proto == IPPROTO_TCP && sl_is_syn(pkt))
		over |= sl_observe_syn(ctx, port, &who);
	else if (who.proto == IPPROTO_UDP || sl_is_icmp(who.proto))
		over |= sl_observe_packets(ctx, port, &who, 1);
	if (unlikely(who.over))
		sl_detect_block(ctx, pkt, port, who.over - 1);
	return over ? SL_DROP_DETECTED : SL_DROP_NONE;
}

/* Counts so many packets more of an established flow. They are reported, but not dropped. */
__noinline int sl_detect_packets(struct sl_ctx *ctx, const struct sl_packet *pkt, __u32 port)
{
	struct sl_suspect who;

	if (!pkt)
		return 0;
	who = sl_suspect(pkt);
	if (who.proto == IPPROTO_UDP || sl_is_icmp(who.proto))
		sl_observe_packets(ctx, port, &who, SL_DETECT_STRIDE);
	if (unlikely(who.over))
		sl_detect_block(ctx, pkt, port, who.over - 1);
	return 0;
}

/* Takes a connection back that *pkt completes: it was none of a flood or scan. */
__noinline int sl_detect_settled(const struct sl_packet *pkt)
{
	struct sl_suspect who;

	if (!pkt)
		return 0;
	who = sl_suspect(pkt);
	sl_unobserve(SL_DETECT_SYN_FLOOD, sl_detect_key(SL_DETECT_SYN_FLOOD, who.destination, 0),
		     0);
	sl_unobserve(SL_DETECT_PORT_SCAN,
		     sl_detect_key(SL_DETECT_PORT_SCAN, who.source, who.destination),
		     sl_detect_item(who.port));
	sl_unobserve(SL_DETECT_HOST_SCAN, sl_detect_key(SL_DETECT_HOST_SCAN, who.source, who.port),
		     who.destination | 1);
	return 0;
}

/* Counts a MAC that is about to be learned. Returns the reason against it, if there is one. */
static __always_inline enum sl_drop sl_detect_mac(struct sl_ctx *ctx, __u32 port)
{
	struct sl_observation seen = {.key = sl_detect_key(SL_DETECT_MAC_FLOOD, port, 0),
				      .amount = 1};

	return sl_observe(ctx, port, SL_DETECT_MAC_FLOOD, &seen) >= SL_DETECT_LIMIT
		   ? SL_DROP_DETECTED
		   : SL_DROP_NONE;
}

#define SL_ARP_TARGET 24 /* RFC 826: header 8, sender 6 + 4, target's MAC 6 */

/*
 * Counts a broadcast by ARP, whose header is at `off`. Returns the reason against it, if there is
 * one. Global: the verifier looks once.
 */
__noinline enum sl_drop sl_detect_arp(struct sl_ctx *ctx, __u32 port, __u32 off)
{
	struct sl_observation seen = {.key = sl_detect_key(SL_DETECT_ARP_SCAN, port, 0),
				      .amount = 1};
	__u32 target;

	if (ctx_load_bytes(ctx, off + SL_ARP_TARGET, &target, sizeof(target)))
		return SL_DROP_NONE;
	seen.item = sl_detect_item(target);
	return sl_observe(ctx, port, SL_DETECT_ARP_SCAN, &seen) >= SL_DETECT_LIMIT
		   ? SL_DROP_DETECTED
		   : SL_DROP_NONE;
}

#endif
