/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard of a port: which frames may enter by it. Map sl_guards (array) holds what is enforced,
 * written by the loader alone; sl_port.guard is the index of the port's entry, 0 = no guard.
 * A change writes another entry and then turns sl_port.guard to it, so that every frame is judged
 * by one guard as a whole: port id P has the entries 2 P and 2 P + 1 in turns.
 */
#ifndef SLUICE_ABI_GUARD_H
#define SLUICE_ABI_GUARD_H

#include "sluice/abi/types.h"

#define SL_GUARDS	    (2 * SL_MAX_PORTS)
#define SL_GUARD_MACS	    64u /* most MACs of one port */
#define SL_GUARD_ADDRS	    64u /* most single addresses of one port; prefixes come on top */
#define SL_GUARD_ETHERTYPES 8u

enum sl_guard_check {
	SL_GUARD_MAC = 1 << 0,	       /* source MAC: in macs, or learned */
	SL_GUARD_IP = 1 << 1,	       /* source address: in addrs, in a prefix, or snooped */
	SL_GUARD_ARP = 1 << 2,	       /* sender MAC and address of ARP; RARP */
	SL_GUARD_ND = 1 << 3,	       /* what neighbour discovery claims */
	SL_GUARD_RA = 1 << 4,	       /* no router advertisement or redirect may enter */
	SL_GUARD_DHCP_SERVER = 1 << 5, /* no DHCP server's answer may enter */
	SL_GUARD_DHCP_CLIENT = 1 << 6, /* chaddr is the source MAC; dhcp_rate */
	SL_GUARD_ETHERTYPE = 1 << 7,   /* IPv4, IPv6, ARP, RARP and ethertypes alone */
	SL_GUARD_TAG = 1 << 8,	       /* no tags that the port's role has no use for; no LLC */
	SL_GUARD_FRAGMENT = 1 << 9,    /* no first fragment without all its headers */
	SL_GUARD_PREFIXES = 1 << 10,   /* sl_guard_prefixes has entries of this guard */
	SL_GUARD_SNOOP = 1 << 11,      /* addresses are taken from the real server's answers */
	SL_GUARD_MAC_CHANGE = 1 << 12, /* one other source MAC at a time is accepted */
	SL_GUARD_DELIVERY = 1 << 13,   /* egress: unicast goes only to the port's own MACs */
	SL_GUARD_AUDIT = 1 << 14,      /* count and report, drop nothing */
};

/*
 * Sets of MACs and of addresses are open-addressed tables. The loader has found a multiplier for
 * each with which every key is in one of the SL_GUARD_WINDOW slots from sl_guard_slot() on (going
 * round).
 */
#define SL_GUARD_SLOTS	128u
#define SL_GUARD_WINDOW 4u

/*
 * A MAC is a number here, the first byte the lowest; the upper 16 bits are flags. 0: the slot is
 * empty.
 */
#define SL_GUARD_MAC_BITS    0x0000ffffffffffffull
#define SL_GUARD_MAC_STANDBY (1ull << 48) /* may receive, but not send yet */

struct sl_guard {
	__u32 checks;	   /* enum sl_guard_check */
	__u16 dhcp_rate;   /* DHCP requests a second that may enter; as many at once */
	__u16 learn;	   /* other source MACs accepted at a time (nested VMs); 0 = none */
	__u64 mac_factor;  /* odd */
	__u64 addr_factor; /* odd */
	__be16 ethertypes[SL_GUARD_ETHERTYPES]; /* allowed besides IP and ARP; 0 = unused */
	__u16 mac_count, addr_count;		/* for readers */
	__u16 port;				/* id, for readers */
	__u16 zero[9];
	__u64 macs[SL_GUARD_SLOTS];
	union sl_addr addrs[SL_GUARD_SLOTS]; /* all zero = empty slot */
};
SL_STATIC_ASSERT(sizeof(struct sl_guard) == 64 + 1024 + 2048, "sl_guard is 3136 bytes");

SL_INLINE __u32 sl_guard_mac_slot(__u64 mac, __u64 factor)
{
	return (__u32)((mac * factor) >> 57);
}

/*
 * Tells where an address begins to be looked for, given its two halves (mapped) as they stand in
 * memory.
 */
SL_INLINE __u32 sl_guard_addr_slot(__u64 first, __u64 second, __u64 factor)
{
	return (__u32)(((first ^ (second * 0x9e3779b97f4a7c15ull)) * factor) >> 57);
}

/*
 * Map sl_guard_prefixes (LPM trie): networks whose addresses a port may use. prefixlen counts the
 * 32 bits of `guard` (index into sl_guards) and then those of the (mapped) address. Value: 1, or 0
 * for what is taken out of a wider network again.
 */
struct sl_guard_prefix {
	__u32 prefixlen;
	__u32 guard;
	union sl_addr addr;
};
SL_STATIC_ASSERT(sizeof(struct sl_guard_prefix) == 24, "sl_guard_prefix is 24 bytes");

/*
 * A DHCP request that entered by a port whose guard snoops: only what answers one of the last few
 * gives the port an address, and that within SL_DHCP_REQUEST_SECONDS.
 */
#define SL_DHCP_REQUESTS	4u
#define SL_DHCP_REQUEST_SECONDS 60u

struct sl_dhcp_request {
	__u64 mac;	/* who asked; 0 = the slot is free */
	__be32 id;	/* of the transaction */
	__be32 offered; /* what a server has offered since; 0 = nothing */
	__u32 tick;	/* when it was asked last */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_dhcp_request) == 24, "sl_dhcp_request is 24 bytes");

/* Map sl_guard_states (array), index: port id. Written by the datapath. */
struct sl_guard_state {
	__u64 changed_mac;  /* MAC_CHANGE: the other MAC in use; 0 = none */
	__u32 changed_seen; /* epoch second of its last frame */
	__u32 learned;	    /* entries of the port in sl_learned_macs */
	__u32 dhcp_tokens;  /* requests that may still enter */
	__u32 dhcp_filled;  /* tick at which tokens were last added */
	__u64 duplicates;   /* frames with the MAC of a lease of another port */
	__u64 foreign;	    /* frames with a MAC inside a pool that nobody was given */
	struct sl_dhcp_request requests[SL_DHCP_REQUESTS];
};
SL_STATIC_ASSERT(sizeof(struct sl_guard_state) == 136, "sl_guard_state is 136 bytes");

/* Map sl_learned_macs (hash): MACs learned on a port; ended by the sweeper after 300 s of silence.
 */
struct sl_port_mac {
	__u16 port; /* id */
	__u8 mac[6];
};
SL_STATIC_ASSERT(sizeof(struct sl_port_mac) == 8, "sl_port_mac is 8 bytes");

struct sl_learned_mac {
	__u32 last_seen; /* epoch second */
};

/* Map sl_learned_addrs (hash): addresses that a DHCP server gave to a port's MAC. */
struct sl_port_addr {
	union sl_addr addr;
	__u32 port; /* id */
};
SL_STATIC_ASSERT(sizeof(struct sl_port_addr) == 20, "sl_port_addr is 20 bytes");

struct sl_learned_addr {
	__u32 expires; /* epoch second; ended by the sweeper */
	__u8 mac[6];   /* who it was given to */
	__u16 zero;
};

#define SL_LEARN_SECONDS 300u

#endif
