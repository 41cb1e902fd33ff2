/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This says whether a packet with this source may come in here. It is asked when a session is
 * decided, not for every packet: the host's routes are asked for the way back (RFC 3704). On strict
 * ports that has to be the way the packet came; on others there has to be one. The host's own
 * addresses are at neither, nor at an uplink those of a network that does not leave it as it is.
 */
#ifndef SLUICE_BPF_ROUTE_SOURCE_H
#define SLUICE_BPF_ROUTE_SOURCE_H

#include "lib/fib.h"
#include "lib/packet.h"
#include "lib/rules.h"
#include "lib/settings.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "nat/nat.h"
#include "maps/work.h"

/* Map sl_sources: sources that were found to be rightly where they came in, and when. */
#define SL_SOURCE_TICK_BITS 20 /* of sl_sources: comes round in 18 minutes */
#define SL_SOURCE_TICKS	    ((1ull << SL_SOURCE_TICK_BITS) - 1)

/*
 * Makes a number of a source at a port, under the rules in force, that nobody outside can aim at.
 */
static __always_inline __u64 sl_source_hash(const struct sl_settings *settings,
					    const struct sl_port *port, const union sl_addr *source)
{
	sl_word words[] = {
	    (__u64)source->w[0] << 32 | source->w[1],
	    (__u64)source->w[2] << 32 | source->w[3],
	    (__u64)port->l3_ifindex << 32 | (__u32)port->flags << 16 | sl_rules_generation(),
	};

	return sl_hash(words, 3, &settings->flow_seed);
}

static __always_inline bool sl_is_strict(const struct sl_port *port, __u8 family)
{
	return port->flags & (family == AF_INET ? SL_PORT_STRICT4 : SL_PORT_STRICT6);
}

/* Asks the routes for the way back to the packet's sender. */
static __always_inline int sl_source_ask(struct sl_ctx *ctx, const struct sl_port *port,
					 struct sl_work *work, __u32 flags)
{
	__builtin_memset(&work->fib, 0, sizeof(work->fib));
	work->fib.ifindex = port->l3_ifindex;
	work->fib.tot_len = SL_FIB_PROBE_LEN;
	sl_fib_of(&work->fib, &work->pkt, true);
	return ctx_fib_lookup(ctx, &work->fib, flags);
}

/*
 * Is the source in a network of the port's own interface, if the way back leads to another's? It is
 * asked for ports with an L2 domain alone, which a translated session has in its key.
 */
static __always_inline bool sl_source_overlaps(struct sl_ctx *ctx, const struct sl_port *port,
					       struct sl_work *work)
{
	struct bpf_fib_lookup *fib = &work->fib;
	int err;

	if (!port->domain)
		return false;
	err = sl_source_ask(ctx, port, work, BPF_FIB_LOOKUP_OUTPUT);
	if (!sl_fib_found(err) || fib->ifindex != port->l3_ifindex)
		return false;
	if (work->pkt.family == AF_INET) /* else: a gateway's */
		return fib->ipv4_dst == work->pkt.k4.saddr;
	return !__builtin_memcmp(fib->ipv6_dst, &work->pkt.k6.saddr, sizeof(fib->ipv6_dst));
}

enum sl_source {
	SL_SOURCE_RIGHT,
	SL_SOURCE_OVERLAPS, /* may come in if it does not go on as it is */
	SL_SOURCE_WRONG,
};

/* Is there a way back to the source, and on a strict port by where it came in? */
static __always_inline enum sl_source
sl_source_by_routes(struct sl_ctx *ctx, const struct sl_port *port, struct sl_work *work)
{
	bool strict = sl_is_strict(port, work->pkt.family);
	int err;

	if (port->role == SL_ROLE_UPLINK && work->pkt.family == AF_INET &&
	    sl_nat_hidden(port->ifindex, work->pkt.k4.saddr))
		return SL_SOURCE_WRONG;
	err = sl_source_ask(ctx, port, work, 0);
	/* A way by a tunnel is one, but none that the packet can have come by. */
	if (!sl_fib_found(err))
		return err == BPF_FIB_LKUP_RET_UNSUPP_LWT && !strict ? SL_SOURCE_RIGHT
								     : SL_SOURCE_WRONG;
	if (!strict || work->fib.ifindex == port->l3_ifindex)
		return SL_SOURCE_RIGHT;
	return sl_source_overlaps(ctx, port, work) ? SL_SOURCE_OVERLAPS : SL_SOURCE_WRONG;
}

/*
 * May work->pkt come in here? The routes are asked once in sl_settings.nexthop_ttl for each source
 * and port. Global: the verifier looks once.
 */
__noinline enum sl_source sl_source_judge(struct sl_ctx *ctx, const struct sl_port *port)
{
	const struct sl_settings *settings = sl_settings_now();
	__u64 hash, now = sl_tick_now() & SL_SOURCE_TICKS, *known, seen;
	__u32 zero = 0, index;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	union sl_addr source, ignored;
	enum sl_source judged;

	if (!settings || !port || !work)
		return SL_SOURCE_WRONG;
	sl_packet_addrs(&work->pkt, &source, &ignored);
	hash = sl_source_hash(settings, port, &source);
	index = hash & (SL_SOURCES - 1);
	known = bpf_map_lookup_elem(&sl_sources, &index);
	if (!known)
		return SL_SOURCE_WRONG;
	seen = READ_ONCE(*known);
	if (!((seen ^ hash) >> SL_SOURCE_TICK_BITS) &&
	    ((now - seen) & SL_SOURCE_TICKS) < settings->nexthop_ttl)
		return SL_SOURCE_RIGHT;
	judged = sl_source_by_routes(ctx, port, work);
	if (judged == SL_SOURCE_RIGHT)
		WRITE_ONCE(*known, (hash & ~SL_SOURCE_TICKS) | now);
	return judged;
}

#define SL_OPTIONS_MOST 40 /* bytes: RFC 791 section 3.1 */
#define SL_OPTION_END	0
#define SL_OPTION_NOP	1
#define SL_OPTION_LSRR	131
#define SL_OPTION_SSRR	137

/*
 * Does a packet with IPv4 options say itself which way it is to go (RFC 7126 section 4.3)? For IPv6
 * the parser has found out. Global: the verifier looks once.
 */
__noinline int sl_source_routed(struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	__u8 option[2]; /* kind and length */
	__u32 at, end;

	if (!pkt)
		return false;
	if (pkt->source_routed || pkt->family != AF_INET)
		return pkt->source_routed;
	at = pkt->l3_off + sizeof(struct iphdr);
	end = pkt->l4_off;
#pragma clang loop unroll(disable)
	for (int i = 0; i < SL_OPTIONS_MOST && at < end; i++) {
		if (ctx_load_bytes(ctx, at, option, sizeof(option)) || option[0] == SL_OPTION_END)
			break;
		if (option[0] == SL_OPTION_LSRR || option[0] == SL_OPTION_SSRR)
			return true;
		at += option[0] == SL_OPTION_NOP || option[1] < sizeof(option) ? 1 : option[1];
	}
	return false;
}

#endif
