/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an instance says of itself: maps sl_stamp and sl_settings, one entry each. */
#ifndef SLUICE_ABI_INSTANCE_H
#define SLUICE_ABI_INSTANCE_H

#include "sluice/abi/hash.h"
#include "sluice/abi/types.h"

#define SL_STAMP_MAGIC 0x6563756c69733031ull

/*
 * Map sl_stamp (array of one): written once when the maps are made. A binary whose SL_ABI_VERSION
 * or sizes differ does not touch the maps.
 */
struct sl_stamp {
	__u64 magic;
	__u32 abi_version;
	__u16 flow_size, key4_size, key6_size, binding_size, port_size, nexthop_size;
	__u64 netns_ino; /* of /proc/self/ns/net: the namespace the instance lives in */
	__u64 netns_dev;
	__u64 created; /* CLOCK_REALTIME, seconds */
};
SL_STATIC_ASSERT(sizeof(struct sl_stamp) == 48, "sl_stamp is 48 bytes");

/*
 * sl_settings.kernel_routes: the host decides where this family's packets go by what
 * bpf_fib_lookup() can't be asked about: IPsec policies (`ip xfrm policy`), marks (`ip rule add
 * fwmark`). Sessions that are not translated, and those with a destination that is protected
 * (SL_MASQ_PROTECTED), are left to the kernel.
 */
enum sl_kernel_routes {
	SL_KERNEL_ROUTES4 = 1 << 0,
	SL_KERNEL_ROUTES6 = 1 << 1,
};

/*
 * Map sl_settings (array of one): what `sluice up` was told, times in ticks. Written by the loader;
 * read by the datapath at any time.
 */
struct sl_settings {
	__u32 udp_timeout;	       /* RFC 4787 REQ-5; default 300 s */
	__u32 tcp_established_timeout; /* RFC 5382 REQ-5; default 7440 s */
	__u32 tcp_transitory_timeout;  /* RFC 5382 REQ-5; default 240 s */
	__u32 icmp_timeout;	       /* RFC 5508 REQ-2; default 60 s */
	__u32 other_timeout;	       /* protocols without ports; default 300 s */
	__u32 nexthop_ttl;	       /* how long a FIB answer is trusted; default 500 ms */
	__u32 mac_age;		       /* epoch seconds; default 300 s */
	__u32 max_macs;		       /* learned ones, over all VLANs */
	__u32 fdb_mask;		       /* buckets of sl_fdb less one: sluice/abi/switch.h */
	/* Sessions up to which one that is only tracked may open: the rest is the router's. */
	__u32 tracked_until4, tracked_until6;
	__u32 flow_groups4, flow_groups6; /* sluice/abi/flow_table.h */
	__u32 host_share;	  /* 1: a host holds no more than is free: sluice/abi/account.h */
	struct sl_seed flow_seed; /* of all hashes; the same as long as the tables live */
	__u32 max_sessions4, max_sessions6; /* at most; asked when one opens */
	__u32 host_sessions, host_ports;    /* that a host may hold of each kind; 0 = no limit */
	__u32 door_mark; /* bit of skb->mark: the frame has passed our ingress; 0 = none is set */
	__u32 kernel_routes; /* enum sl_kernel_routes */
};
SL_STATIC_ASSERT(sizeof(struct sl_settings) == 120, "sl_settings is 120 bytes");

#endif
