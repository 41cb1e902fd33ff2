/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sightings tell which MAC was last seen where. A frame whose MAC was seen on this port in the
 * running second is done with one compare; the others look their lease up, keep it alive, and find
 * duplicates and MACs that nobody was given (sluice/abi/lease.h).
 */
#ifndef SLUICE_BPF_GUARD_SIGHT_H
#define SLUICE_BPF_GUARD_SIGHT_H

#include "lib/event.h"
#include "lib/packet.h"
#include "guard/own.h"

/*
 * Makes what the slot of a MAC holds. The domain is in it as well, or one VLAN would hide another.
 */
static __always_inline __u64 sl_sighting(__u64 mac, __u16 domain, __u32 now)
{
	return mac | (__u64)(__u16)(now ^ domain << 4) << 48;
}

/*
 * Finds the slot of a MAC. Its hash is not keyed: the slots are the port's own, and 64 MACs fill
 * them whichever they are.
 */
static __always_inline __u64 *sl_sighting_slot(const struct sl_port *port, __u64 mac)
{
	__u32 hash = (mac * 0x9e3779b97f4a7c15ull) >> 58; /* 2^64 / the golden ratio */
	__u32 index = port->id * SL_SIGHTINGS + hash;

	return bpf_map_lookup_elem(&sl_sightings, &index);
}
SL_STATIC_ASSERT(SL_SIGHTINGS == 1 << 6, "6 bits of hash");

/* Is the leased MAC in use on another port? Returns that port's id, or 0. */
static __always_inline __u16 sl_seen_elsewhere(const struct sl_lease *lease, __u16 port, __u32 now)
{
	__u16 seen = READ_ONCE(lease->seen_port);

	if (lease->flags & SL_LEASE_MIGRATING)
		return 0;
	if (lease->port)
		return lease->port == port ? 0 : lease->port;
	if (seen && seen != port && now - READ_ONCE(lease->last_seen) < SL_DUPLICATE_SECONDS)
		return seen;
	return 0;
}

/* Finds the pool of this domain that the MAC is in, or NULL. */
static __always_inline const struct sl_mac_pool *sl_mac_pool_of(__u16 domain, __u64 mac)
{
	__u64 number = __builtin_bswap64(mac) >> 16; /* the first byte the highest */

	for (__u32 i = 0; i < SL_MAX_MAC_POOLS; i++) {
		__u32 index = i;
		const struct sl_mac_pool *pool = bpf_map_lookup_elem(&sl_mac_pools, &index);

		if (!pool || !pool->used)
			return NULL;
		if (pool->domain == domain && number >= pool->first && number <= pool->last)
			return pool;
	}
	return NULL;
}

static __always_inline enum sl_verdict sl_sight_duplicate(struct sl_ctx *ctx,
							  const struct sl_port *port,
							  struct sl_packet *pkt,
							  struct sl_lease *lease, __u16 other)
{
	bool drop = lease->flags & SL_LEASE_QUARANTINE;
	struct sl_guard_state *state = sl_guard_state_of(port);

	if (!drop && !ctx_is_last()) /* counted where it is counted once */
		return SL_PASS;
	__sync_fetch_and_add(&lease->duplicates, 1);
	if (state)
		__sync_fetch_and_add(&state->duplicates, 1);
	sl_event_notice(ctx, port->id, SL_EVENT_MAC_DUPLICATE, other);
	return drop ? sl_refuse(pkt, SL_DROP_MAC_QUARANTINE) : SL_CONTINUE;
}

static __always_inline enum sl_verdict
sl_sight_foreign(struct sl_ctx *ctx, const struct sl_port *port, struct sl_packet *pkt, bool drop)
{
	struct sl_guard_state *state = sl_guard_state_of(port);

	if (!drop && !ctx_is_last())
		return SL_PASS;
	if (state)
		__sync_fetch_and_add(&state->foreign, 1);
	sl_event_notice(ctx, port->id, SL_EVENT_MAC_FOREIGN, 0);
	return drop ? sl_refuse(pkt, SL_DROP_MAC_QUARANTINE) : SL_CONTINUE;
}

/*
 * Judges a MAC that was not seen here in this second: see sl_sight(). Duplicates and foreign ones
 * are not noted in the slot, so that each of their frames is judged.
 */
__noinline enum sl_verdict sl_sight_new(struct sl_ctx *ctx, const struct sl_port *port,
					struct sl_packet *pkt, __u64 mac)
{
	const struct sl_mac_pool *pool;
	struct sl_lease_key key;
	struct sl_lease *lease;
	__u64 *slot;
	__u32 now = sl_epoch_exact();
	__u16 other;

	if (!port || !pkt)
		return SL_CONTINUE;
	key = sl_lease_key_of(port, pkt, mac);
	lease = bpf_map_lookup_elem(&sl_leases, &key);
	if (lease) {
		other = sl_seen_elsewhere(lease, port->id, now);
		if (other)
			return sl_sight_duplicate(ctx, port, pkt, lease, other);
		WRITE_ONCE(lease->last_seen, now);
		if (lease->seen_port != port->id)
			WRITE_ONCE(lease->seen_port, port->id);
	} else {
		pool = sl_mac_pool_of(key.domain, mac);
		if (pool)
			return sl_sight_foreign(ctx, port, pkt, pool->quarantine);
	}
	slot = sl_sighting_slot(port, mac);
	if (slot)
		WRITE_ONCE(*slot, sl_sighting(mac, key.domain, sl_epoch_now()));
	return SL_CONTINUE;
}

/*
 * Notes where the frame's source MAC is.
 * SL_CONTINUE: it may enter. SL_DROP: pkt->reason says that the MAC is in quarantine here. SL_PASS:
 * TC will count it, on XDP alone.
 */
static __always_inline enum sl_verdict sl_sight(struct sl_ctx *ctx, const struct sl_port *port,
						struct sl_packet *pkt)
{
	struct ethhdr *eth = ctx_data(ctx);
	__u64 mac, *slot;

	if (!(port->flags & SL_PORT_SIGHT) || (void *)(eth + 1) > ctx_data_end(ctx))
		return SL_CONTINUE;
	mac = sl_eth_source(eth);
	slot = sl_sighting_slot(port, mac);
	if (slot && READ_ONCE(*slot) == sl_sighting(mac, pkt->vid ?: port->domain, sl_epoch_now()))
		return SL_CONTINUE;
	return sl_sight_new(ctx, port, pkt, mac);
}

#endif
