/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MAC leases as the datapath knows them: who may have an address, and when it was last seen on the
 * wire. The database is the truth for who was given what; sl_leases mirrors it.
 */
#ifndef SLUICE_ABI_LEASE_H
#define SLUICE_ABI_LEASE_H

#include "sluice/abi/types.h"

struct sl_lease_key {
	__u16 domain; /* L2 domain: VLAN id, 0 = none */
	__u8 mac[6];
};
SL_STATIC_ASSERT(sizeof(struct sl_lease_key) == 8, "sl_lease_key is 8 bytes");

enum sl_lease_flag {
	SL_LEASE_MIGRATING = 1 << 0,  /* two ports are no duplicate */
	SL_LEASE_QUARANTINE = 1 << 1, /* a duplicate is dropped, not only reported */
};

/* Map sl_leases (hash, allocated on demand): MACs that were given to a VM, by L2 domain. */
struct sl_lease {
	__u32 last_seen;  /* epoch second of the last frame; 0 = never. By the datapath */
	__u32 since;	  /* epoch second at which the loader entered it */
	__u16 port;	  /* id of the port it belongs to; 0 = any */
	__u16 seen_port;  /* id of the port it was last seen on. By the datapath */
	__u32 flags;	  /* enum sl_lease_flag */
	__u32 duplicates; /* frames seen on a port that is not its own. By the datapath */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_lease) == 24, "sl_lease is 24 bytes");

/* Map sl_mac_pools (array): ranges of which every address should have a lease. */
struct sl_mac_pool {
	__u64 first, last; /* as numbers, the first byte of the MAC the highest (of 48 bits) */
	__u16 domain;
	__u8 used;	 /* 0 = end of the list */
	__u8 quarantine; /* what nobody was given is dropped, not only reported */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_mac_pool) == 24, "sl_mac_pool is 24 bytes");

/*
 * Map sl_sightings (array of __u64), index: port id * SL_SIGHTINGS + hash of the MAC. The MAC seen
 * there last (bits 0..47, first byte lowest) and a mark of the second and the L2 domain: a frame
 * that finds both as they were needs no look-up of its lease.
 */
#define SL_SIGHTINGS 64u

#define SL_MAX_MAC_POOLS 64u

/* A MAC is a duplicate if it was on another port less than this ago. */
#define SL_DUPLICATE_SECONDS 10u

#endif
