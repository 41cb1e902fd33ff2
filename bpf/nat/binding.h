/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A binding is the external endpoint that an internal endpoint has, whatever remote it talks to
 * (RFC 4787 REQ-1), for as long as any session uses it.
 */
#ifndef SLUICE_BPF_NAT_BINDING_H
#define SLUICE_BPF_NAT_BINDING_H

#include "lib/flow_table.h"
#include "lib/packet.h"
#include "lib/settings.h"
#include "lib/socket.h"
#include "lib/time.h"
#include "maps/maps.h"
#include "lib/account.h"
#include "lib/l4_ports.h"
#include "maps/work.h"

#define SL_REF_TRIES	  8
#define SL_EXTERNAL_TRIES 16 /* external addresses tried for one binding */

static __always_inline void sl_live_bindings(__u64 change)
{
	__u32 zero = 0;
	struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);

	if (live)
		__sync_fetch_and_add(&live->bindings, change);
}

/* Counts a port that was taken. */
static __always_inline void sl_pool_taken(struct sl_pool_stats *stats)
{
	__u32 now = __sync_fetch_and_add(&stats->in_use, 1) + 1;

	__sync_fetch_and_add(&stats->allocated, 1);
	if (now > READ_ONCE(stats->highest))
		WRITE_ONCE(stats->highest, now);
}

/* Changes how many ports this account holds, by 1 or -1. */
static __always_inline void sl_account_l4ports(__u32 account, __u8 proto, __u32 change)
{
	struct sl_account *payer = sl_account_at(account);
	__u32 l4 = sl_l4_of(proto);

	if (payer && l4 < SL_L4_COUNT)
		__sync_fetch_and_add(&payer->ports[l4], change);
}

/* May the account have one more port of this space? */
static __always_inline bool sl_account_may_bind(__u32 account, __u8 proto,
						const struct sl_pool_stats *stats)
{
	const struct sl_settings *settings = sl_settings_now();
	const struct sl_account *payer = sl_account_at(account);
	__u32 l4 = sl_l4_of(proto), used = READ_ONCE(stats->in_use), size = READ_ONCE(stats->size);

	return settings && payer && l4 < SL_L4_COUNT &&
	       sl_account_may(settings, READ_ONCE(payer->ports[l4]), size > used ? size - used : 0,
			      settings->host_ports);
}

static __always_inline void sl_pool_give_back(__u32 external, __u8 proto, __be16 port)
{
	__u32 space = sl_l4port_space(external, sl_l4_of(proto));
	struct sl_port_bits *bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);

	if (!bits || !stats)
		return;
	sl_l4port_give_back(bits, bpf_ntohs(port));
	__sync_fetch_and_sub(&stats->in_use, 1);
}

static __always_inline void sl_pool_refused(__u32 external, __u8 proto)
{
	__u32 space = sl_l4port_space(external, sl_l4_of(proto));
	struct sl_pool_stats *stats = bpf_map_lookup_elem(&sl_pool_stats, &space);

	if (stats)
		__sync_fetch_and_add(&stats->refused, 1);
}

/* Counts one session more on a live binding. False: it is on its way out. */
static __always_inline bool sl_binding_ref(struct sl_binding *binding)
{
	for (int i = 0; i < SL_REF_TRIES; i++) {
		__u32 refs = READ_ONCE(binding->refs);

		if (refs == SL_BINDING_DEAD)
			return false;
		if (__sync_val_compare_and_swap(&binding->refs, refs, refs + 1) == refs)
			return true;
	}
	return false;
}

/* Tells which binding of the pool a session holds whose opening packets have this key. */
static __always_inline struct sl_binding_key sl_binding_key_of(const union sl_key *key, __u32 pool)
{
	return (struct sl_binding_key){
	    .addr = sl_mapped(key->v4.saddr),
	    .port = key->v4.sport,
	    .domain = key->v4.domain,
	    .pool = pool,
	    .proto = key->v4.proto,
	};
}

/*
 * Counts one session less; the last one takes the binding and its port along. Whoever turns 0 into
 * SL_BINDING_DEAD does it, so it is done once however many CPUs come here.
 */
static __always_inline void sl_binding_unref(struct sl_binding_key *key)
{
	struct sl_binding *binding = bpf_map_lookup_elem(&sl_bindings, key);
	__u32 account;
	__u16 external;
	__be16 port;

	if (!binding || __sync_fetch_and_sub(&binding->refs, 1) != 1)
		return;
	external = binding->external;
	port = binding->port;
	account = binding->account;
	if (__sync_val_compare_and_swap(&binding->refs, 0, SL_BINDING_DEAD) != 0)
		return;
	if (bpf_map_delete_elem(&sl_bindings, key))
		return;
	sl_pool_give_back(external, key->proto, port);
	sl_account_l4ports(account, key->proto, -1);
	sl_live_bindings(-1);
}

/*
 * Gives back the binding that a session of `flow` with this key holds. IPv4 alone has bindings:
 * IPv6 is not translated.
 */
static __noinline void sl_session_unbind(const union sl_key *key, const struct sl_flow *flow)
{
	struct sl_binding_key bound = sl_binding_key_of(key, flow->pool);

	if (flow->flags & SL_FLOW_BOUND)
		sl_binding_unref(&bound);
}

/*
 * Does the host, or its own NAT, await answers from this remote at this external endpoint? What
 * others sent unasked counts for nothing. Global: the verifier looks once.
 */
__noinline int sl_host_awaits(struct sl_bind_request *req, __be32 external, __u32 port)
{
	__u32 zero = 0;
	const struct sl_live *live = bpf_map_lookup_elem(&sl_live, &zero);
	const struct sl_flow *answer;
	struct sl_key4 *key;

	if (!req || !live || !READ_ONCE(live->tracked4)) /* the table is large, a miss slow */
		return false;
	key = &req->awaited.v4;
	key->saddr = req->remote;
	key->daddr = external;
	key->sport = req->remote_port;
	key->dport = bpf_htons(port);
	key->domain = req->remote_domain;
	key->proto = req->key.proto;
	key->kind = SL_KIND_COUNTED;
	answer = sl_flow_get(AF_INET, &req->awaited);
	return answer && !(answer->flags & SL_FLOW_ORIG);
}

/*
 * Does a socket of the host itself own this external port now? Not static, like those below, so
 * that the verifier looks at it once and not on each way through the loops that call it (Linux 6.1
 * would give up).
 */
__noinline int sl_host_uses(struct sl_ctx *ctx, const struct sl_bind_request *req, __be32 external,
			    __u32 port)
{
	struct bpf_sock_tuple tuple = {};

	if (!req)
		return false;
	tuple.ipv4.saddr = req->remote;
	tuple.ipv4.daddr = external;
	tuple.ipv4.sport = req->remote_port;
	tuple.ipv4.dport = bpf_htons(port);
	return sl_socket_takes(ctx, req->key.proto, &tuple, sizeof(tuple.ipv4));
}

/*
 * Takes a port of one external address: the internal one if it is free, so that protocols which
 * show their port keep working, else any that no socket of the host owns. It is left in
 * req->external_port. Ports found to be the host's are kept taken until one is found, or the same
 * would be drawn again. Returns the reason why there is no port, if there is none.
 */
__noinline enum sl_drop sl_external_port(struct sl_ctx *ctx, struct sl_bind_request *req,
					 __u32 external, __be32 addr)
{
	struct sl_pool_stats *stats;
	struct sl_port_bits *bits;
	int port, tries = 0;
	__u32 space;

	if (!req)
		return SL_DROP_PORTS_EXHAUSTED;
	space = sl_l4port_space(external, sl_l4_of(req->key.proto));
	bits = bpf_map_lookup_elem(&sl_port_bits, &space);
	stats = bpf_map_lookup_elem(&sl_pool_stats, &space);
	port = bpf_ntohs(req->key.port);
	if (!bits || !stats)
		return SL_DROP_PORTS_EXHAUSTED;
	if (!sl_account_may_bind(req->account, req->key.proto, stats))
		return SL_DROP_HOST_QUOTA;
	if (!sl_l4port_take(bits, port))
		port = sl_l4port_take_any(space);
	while (tries < SL_HOST_TRIES && port >= 0 &&
	       (sl_host_awaits(req, addr, port) || sl_host_uses(ctx, req, addr, port))) {
		req->hosts[tries++] = port;
		port = tries < SL_HOST_TRIES ? sl_l4port_take_any(space) : SL_L4PORT_NONE;
	}
	for (int i = 0; i < SL_HOST_TRIES && i < tries; i++) {
		sl_l4port_give_back(bits, req->hosts[i]);
		__sync_fetch_and_add(&stats->retries, 1);
	}
	if (port < 0)
		return SL_DROP_PORTS_EXHAUSTED;
	sl_pool_taken(stats);
	req->external_port = bpf_htons(port);
	return SL_DROP_NONE;
}

/*
 * Tells which external address to try first. The same internal address gets the same external one
 * as long as that has room: REQ-2. The secret is in it, so that nobody chooses an address to share,
 * and to use up, his neighbour's.
 */
static __always_inline __u32 sl_pool_start(const struct sl_pool *pool, const union sl_addr *addr)
{
	const struct sl_settings *settings = sl_settings_now();
	const sl_word *words = (const sl_word *)addr;

	return settings ? (__u32)sl_hash(words, 2, &settings->flow_seed) % (pool->count ?: 1) : 0;
}

static __always_inline int sl_binding_make(struct sl_ctx *ctx, struct sl_bind_request *req)
{
	struct sl_binding *binding = &req->made;
	__u32 pool_index = req->key.pool;
	struct sl_pool *pool = bpf_map_lookup_elem(&sl_pools, &pool_index);
	__u32 turn;

	req->reason = SL_DROP_PORTS_EXHAUSTED;
	if (!pool || !pool->count)
		return -1;
	turn = sl_pool_start(pool, &req->key.addr);
	for (__u32 i = 0; i < SL_EXTERNAL_TRIES && i < pool->count; i++) {
		__u32 external = pool->first + turn;
		union sl_addr *addr = bpf_map_lookup_elem(&sl_externals, &external);
		enum sl_drop why;

		if (!addr)
			return -1;
		why = sl_external_port(ctx, req, external, addr->w[3]);
		if (why == SL_DROP_HOST_QUOTA)
			req->reason = why;
		if (!why) {
			*binding = (struct sl_binding){
			    .refs = 1,
			    .external = external,
			    .port = req->external_port,
			    .created = sl_epoch_now(),
			    .account = req->account,
			};
			req->external = *addr;
			break;
		}
		if (++turn >= pool->count)
			turn = 0;
	}
	if (!req->external_port) {
		if (req->reason == SL_DROP_PORTS_EXHAUSTED)
			sl_pool_refused(pool->first + turn, req->key.proto);
		return -1;
	}
	if (!bpf_map_update_elem(&sl_bindings, &req->key, binding, BPF_NOEXIST)) {
		sl_account_l4ports(req->account, req->key.proto, 1);
		sl_live_bindings(1);
		return 0;
	}
	sl_pool_give_back(binding->external, req->key.proto, binding->port);
	req->reason = SL_DROP_BINDINGS_FULL;
	return -1;
}

/* Takes part in the binding that is there. Returns 0, or -1. */
static __always_inline int sl_binding_join(struct sl_bind_request *req)
{
	struct sl_binding *binding = bpf_map_lookup_elem(&sl_bindings, &req->key);
	union sl_addr *addr;
	__u32 external;

	if (!binding || !sl_binding_ref(binding))
		return -1;
	/*
	 * Between look-up and count the element may have gone and come back as another's: the
	 * look-up must still lead to it.
	 */
	if (bpf_map_lookup_elem(&sl_bindings, &req->key) != binding) {
		__sync_fetch_and_sub(&binding->refs, 1);
		return -1;
	}
	external = binding->external;
	addr = bpf_map_lookup_elem(&sl_externals, &external);
	if (!addr)
		return -1;
	req->external = *addr;
	req->external_port = binding->port;
	return 0;
}

/*
 * Fills in the external endpoint of work->bind and counts the caller as a user of the binding.
 * Returns 0, or -1 with its reason. Not static, so that the verifier looks at it once; it looks for
 * its work itself, because before Linux 6.2 what such a function is given by pointer can't be a
 * map's key.
 */
__noinline int sl_bind(struct sl_ctx *ctx)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_bind_request *req;

	if (!work)
		return -1;
	req = &work->bind;
	if (!sl_binding_join(req) || !sl_binding_make(ctx, req))
		return 0;
	/* Another CPU may have made it just now. */
	if (req->reason == SL_DROP_BINDINGS_FULL)
		return sl_binding_join(req);
	return -1;
}

#endif
