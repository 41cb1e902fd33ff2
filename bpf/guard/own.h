/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This tells what is a guarded port's own: its MACs and addresses, listed, learned or snooped. The
 * listed ones are in tables of which a look-up reads at most SL_GUARD_WINDOW slots
 * (sluice/abi/guard.h).
 */
#ifndef SLUICE_BPF_GUARD_OWN_H
#define SLUICE_BPF_GUARD_OWN_H

#include "lib/packet.h"
#include "lib/time.h"
#include "maps/maps.h"

#define SL_GUARD_PREFIX_BITS 160 /* 32 of the guard, 128 of the address */

typedef __u64 __attribute__((may_alias)) sl_half;

/* An address as the two halves it has in memory. */
struct sl_halves {
	__u64 first, second;
};

static __always_inline struct sl_halves sl_halves_of(const union sl_addr *addr)
{
	return (struct sl_halves){
	    .first = addr->w[0] | (__u64)addr->w[1] << 32,
	    .second = addr->w[2] | (__u64)addr->w[3] << 32,
	};
}

/* Makes the halves of an IPv4 address, mapped. */
static __always_inline struct sl_halves sl_halves_of4(__be32 addr)
{
	return (struct sl_halves){.second = bpf_htonl(0xffff) | (__u64)addr << 32};
}

static __always_inline void sl_mac_bytes(__u64 mac, __u8 *bytes)
{
#pragma unroll
	for (int i = 0; i < ETH_ALEN; i++)
		bytes[i] = mac >> 8 * i;
}

/* Finds the table's entry for this MAC, with its flags; 0: there is none. */
static __always_inline __u64 sl_guard_find_mac(const struct sl_guard *guard, __u64 mac)
{
	__u32 slot = sl_guard_mac_slot(mac, guard->mac_factor);

#pragma unroll
	for (__u32 i = 0; i < SL_GUARD_WINDOW; i++) {
		__u64 entry = guard->macs[(slot + i) % SL_GUARD_SLOTS];

		if ((entry & SL_GUARD_MAC_BITS) == mac)
			return entry;
	}
	return 0;
}

static __always_inline bool sl_guard_find_addr(const struct sl_guard *guard, struct sl_halves addr)
{
	__u32 slot = sl_guard_addr_slot(addr.first, addr.second, guard->addr_factor);

	if (!(addr.first | addr.second)) /* would be found in every empty slot */
		return false;
#pragma unroll
	for (__u32 i = 0; i < SL_GUARD_WINDOW; i++) {
		const sl_half *entry = (void *)&guard->addrs[(slot + i) % SL_GUARD_SLOTS];

		if (entry[1] == addr.second && entry[0] == addr.first)
			return true;
	}
	return false;
}

/*
 * Is the packet's source in the table? False for what IPv6 writes ::/64, which needs a closer look.
 */
static __always_inline bool sl_guard_find_source(const struct sl_guard *guard,
						 const struct sl_packet *pkt)
{
	struct sl_halves from;

	if (pkt->family == AF_INET)
		return sl_guard_find_addr(guard, sl_halves_of4(pkt->k4.saddr));
	from = sl_halves_of(&pkt->k6.saddr);
	return from.first && sl_guard_find_addr(guard, from);
}

static __always_inline struct sl_guard_state *sl_guard_state_of(const struct sl_port *port)
{
	__u32 id = port->id;

	return bpf_map_lookup_elem(&sl_guard_states, &id);
}

static __always_inline struct sl_port_mac sl_port_mac_key(const struct sl_port *port, __u64 mac)
{
	struct sl_port_mac key = {.port = port->id};

	sl_mac_bytes(mac, key.mac);
	return key;
}

/* Makes the key of a MAC's lease in the L2 domain that the frame is in. */
static __always_inline struct sl_lease_key sl_lease_key_of(const struct sl_port *port,
							   const struct sl_packet *pkt, __u64 mac)
{
	struct sl_lease_key key = {.domain = pkt->vid ?: port->domain};

	sl_mac_bytes(mac, key.mac);
	return key;
}

/*
 * May the port use this MAC, or be sent frames to it? Global functions, here and below, are looked
 * at once by the verifier and not on every way that leads to them.
 */
__noinline int sl_guard_own_mac(const struct sl_port *port, const struct sl_guard *guard, __u64 mac)
{
	struct sl_guard_state *state;
	struct sl_port_mac key;

	if (!port || !guard || !mac)
		return false;
	if (sl_guard_find_mac(guard, mac))
		return true;
	state = sl_guard_state_of(port);
	if ((guard->checks & SL_GUARD_MAC_CHANGE) && state && READ_ONCE(state->changed_mac) == mac)
		return true;
	if (!guard->learn)
		return false;
	key = sl_port_mac_key(port, mac);
	return bpf_map_lookup_elem(&sl_learned_macs, &key) != NULL;
}

/*
 * Reads the MAC in a link-local address that was made of one (RFC 4291 appendix A); 0: it is no
 * such address.
 */
static __always_inline __u64 sl_eui64_mac(const union sl_addr *addr)
{
	const __u8 *id = addr->b + 8;
	__u8 mac[ETH_ALEN] = {id[0] ^ 2, id[1], id[2], id[5], id[6], id[7]};

	if (addr->w[0] != bpf_htonl(0xfe800000) || addr->w[1] || id[3] != 0xff || id[4] != 0xfe)
		return 0;
	return (__u64)mac[0] | (__u64)mac[1] << 8 | (__u64)mac[2] << 16 | (__u64)mac[3] << 24 |
	       (__u64)mac[4] << 32 | (__u64)mac[5] << 40;
}

static __always_inline bool sl_guard_in_prefix(const struct sl_port *port,
					       const union sl_addr *addr)
{
	struct sl_guard_prefix key = {
	    .prefixlen = SL_GUARD_PREFIX_BITS,
	    .guard = port->guard,
	    .addr = *addr,
	};
	const __u32 *allowed;

	allowed = bpf_map_lookup_elem(&sl_guard_prefixes, &key);
	return allowed && *allowed;
}

static __always_inline bool sl_guard_snooped(const struct sl_port *port, const union sl_addr *addr)
{
	struct sl_port_addr key = {.addr = *addr, .port = port->id};
	const struct sl_learned_addr *learned = bpf_map_lookup_elem(&sl_learned_addrs, &key);

	return learned && sl_epoch_exact() < learned->expires;
}

/* May the port use this (mapped) address? */
__noinline int sl_guard_own_addr(const struct sl_port *port, const struct sl_guard *guard,
				 const union sl_addr *addr)
{
	if (!port || !guard || !addr)
		return false;
	if (sl_guard_find_addr(guard, sl_halves_of(addr)))
		return true;
	if ((guard->checks & SL_GUARD_PREFIXES) && sl_guard_in_prefix(port, addr))
		return true;
	if ((guard->checks & SL_GUARD_SNOOP) && sl_guard_snooped(port, addr))
		return true;
	return sl_guard_own_mac(port, guard, sl_eui64_mac(addr));
}

/* May the port use this address, which stands in an IPv6 packet? */
static __always_inline bool sl_guard_own_addr6(const struct sl_port *port,
					       const struct sl_guard *guard,
					       const union sl_addr *addr)
{
	return !sl_is_mapped(addr) && sl_guard_own_addr(port, guard, addr);
}

#endif
