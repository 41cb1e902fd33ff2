/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT: rules (written by the loader) and bindings (written by the datapath). */
#ifndef SLUICE_ABI_NAT_H
#define SLUICE_ABI_NAT_H

#include "sluice/abi/protocol.h"
#include "sluice/abi/types.h"

/* These protocols have ports to translate; each has a port space of its own. */
enum sl_l4 {
	SL_L4_TCP = 0,
	SL_L4_UDP = 1,
	SL_L4_ICMP = 2, /* the echo identifier */
	SL_L4_COUNT = 3,
};

/* Finds the enum sl_l4 of a protocol; -1: it has no ports to translate. */
SL_INLINE int sl_l4_of(__u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return SL_L4_TCP;
	case IPPROTO_UDP:
		return SL_L4_UDP;
	case IPPROTO_ICMP:
		return SL_L4_ICMP;
	default:
		return -1;
	}
}

/*
 * Tells the port space of an external address and protocol: index of sl_port_bits and
 * sl_pool_stats.
 */
SL_INLINE __u32 sl_l4port_space(__u32 external, int l4)
{
	return external * SL_L4_COUNT + l4;
}
#define SL_L4PORT_SPACES (SL_MAX_EXTERNALS * SL_L4_COUNT)

/*
 * Map sl_masquerades (LPM trie): which sources are translated when they leave by which
 * uplink. The longest prefix wins. prefixlen counts the 32 bits of `uplink` and then those
 * of the (mapped) address, so 10.0.0.0/8 has prefixlen 32 + 96 + 8.
 */
struct sl_masq_key {
	__u32 prefixlen;
	__u32 uplink; /* ifindex */
	union sl_addr addr;
};
SL_STATIC_ASSERT(sizeof(struct sl_masq_key) == 24, "sl_masq_key is 24 bytes");

struct sl_masq {
	__u32 pool; /* index into sl_pools, or SL_MASQ_ROUTABLE */
};

/* The source may leave by this uplink as it is, and be reached by it. */
#define SL_MASQ_ROUTABLE 0xffffffffu

/*
 * Entries with this uplink say no more than that a network is masqueraded at some uplink: by any
 * other one that does not know it, nothing of it leaves as it is.
 */
#define SL_MASQ_ANYWHERE 0u

/* Entries with this uplink are destinations that IPsec policies of the host are about. */
#define SL_MASQ_PROTECTED 0xffffffffu

/*
 * Map sl_pools: a pool is a run of external addresses in sl_externals.
 *
 * Map sl_externals: the external addresses of all pools, those of a pool one after the other.
 */
struct sl_pool {
	__u16 first;
	__u16 count; /* 0 = slot unused */
};

/*
 * Map sl_port_bits, index: port space. The ports of one external address and protocol. A set bit is
 * taken: by a binding, or for good because it is outside the pool's range or reserved. `full` has a
 * bit for each word of `used` that has no clear bit left; it is a hint that lets a search skip 64
 * ports at a time, never the truth. Bit p is word p / 64, bit p % 64, p in host order. All updates
 * are atomic.
 */
struct sl_port_bits {
	__u64 full[16];
	__u64 used[1024];
};
SL_STATIC_ASSERT(sizeof(struct sl_port_bits) == 8320, "sl_port_bits is 8320 bytes");

/* Map sl_pool_stats, indexed as sl_port_bits. All updates are atomic. */
struct sl_pool_stats {
	__u64 allocated; /* ports handed out since the pool was made */
	__u64 refused;	 /* new bindings refused because no port was free */
	__u64 retries;	 /* ports that were tried and found taken, by us or by a host socket */
	__u32 in_use;
	__u32 highest; /* most in use at one time */
	__u32 size;    /* ports that the space has for bindings, written by the loader */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_pool_stats) == 40, "sl_pool_stats is 40 bytes");

/*
 * Map sl_bindings: internal endpoint -> external endpoint, the same for every remote
 * (endpoint-independent mapping, RFC 4787 REQ-1).
 */
struct sl_binding_key {
	union sl_addr addr; /* internal */
	__be16 port;	    /* internal port or echo identifier */
	__u16 domain;
	__u16 pool;
	__u8 proto; /* IPPROTO_* */
	__u8 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_binding_key) == 24, "sl_binding_key is 24 bytes");

#define SL_BINDING_DEAD 0xffffffffu

struct sl_binding {
	/* Sessions that use the binding; SL_BINDING_DEAD: it is being removed. */
	__u32 refs;
	__u16 external; /* index into sl_externals */
	__be16 port;
	__u32 created; /* epoch second */
	__u32 account; /* who pays for it: sluice/abi/account.h */
};
SL_STATIC_ASSERT(sizeof(struct sl_binding) == 16, "sl_binding is 16 bytes");

/*
 * Map sl_forwards: two entries for each forwarded port, since a forward is a mapping for good: what
 * is sent to its external endpoint goes to the internal one, and what the internal one sends by the
 * uplink of the external address leaves from the external one (RFC 4787 REQ-1).
 */
struct sl_forward_key {
	union sl_addr addr; /* external; with an uplink internal */
	__be16 port;	    /* of the same endpoint */
	__u8 proto;	    /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 zero;
	__u32 uplink; /* SL_FORWARD_IN, or the ifindex by which the internal endpoint sends */
};
SL_STATIC_ASSERT(sizeof(struct sl_forward_key) == 24, "sl_forward_key is 24 bytes");

#define SL_FORWARD_IN 0u

struct sl_forward {
	union sl_addr addr; /* the other end of the mapping */
	__be16 port;
	__u16 zero;
	/*
	 * The interface that owns the external address: whose masquerade pool translates an
	 * inside client that comes by the external address (hairpin). 0 = none.
	 */
	__u32 uplink;
};
SL_STATIC_ASSERT(sizeof(struct sl_forward) == 24, "sl_forward is 24 bytes");

/*
 * Map sl_forwarded_ports: a bit for each external port (host order) that any forward has, and
 * behind them one for each internal port; set before the forward is there and cleared after it.
 * Most new sessions are for none: asking this, 16 KB, they are spared a look into the large table
 * of forwards, which no cache holds.
 */
#define SL_FORWARDED_WORDS (65536u / 64) /* of each of the two */

#endif
