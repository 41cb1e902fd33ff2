/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows: one entry for each direction of a session, in the tables of sluice/abi/flow_table.h. */
#ifndef SLUICE_ABI_FLOW_H
#define SLUICE_ABI_FLOW_H

#include "sluice/abi/types.h"

/*
 * The kind says who made an entry, and who may find it. It is part of the key, so that what is only
 * counted can't be met by the router, and takes no tuple away from it: the two live in different
 * keys.
 */
enum sl_kind {
	SL_KIND_ROUTED = 0,  /* by the router, which forwards by it */
	SL_KIND_COUNTED = 2, /* of what is switched, or to or from the host */
};

/* sl_key4.kind, sl_key6.kind in a slot of the table, beside the kind. */
#define SL_KEY_LIVE 1 /* the entry counts */
#define SL_KEY_DEAD 4 /* its session has ended; the sweeper frees the slot */

/*
 * The key of a flow is the packet as it enters the host.
 *
 * TCP, UDP: sport and dport are the ports. ICMP echo (both families): a request has
 * sport = identifier and dport = 0, a reply sport = 0 and dport = identifier, so that
 * swapping the ends gives the other direction as it does for TCP and UDP (RFC 5508
 * section 3 treats the identifier as a port); any other ICMP message: both are its type, so that no
 * other type passes for it. Every other protocol: both are 0.
 * domain is the L2 domain (VLAN id, 0 = none) of the port the packet entered by.
 */
struct sl_key4 {
	__be32 saddr, daddr;
	__be16 sport, dport;
	__u16 domain;
	__u8 proto;
	__u8 kind; /* enum sl_kind */
};
SL_STATIC_ASSERT(sizeof(struct sl_key4) == 16, "sl_key4 is 16 bytes");

struct sl_key6 {
	union sl_addr saddr, daddr;
	__be16 sport, dport;
	__u16 domain;
	__u8 proto;
	__u8 kind; /* enum sl_kind */
};
SL_STATIC_ASSERT(sizeof(struct sl_key6) == 40, "sl_key6 is 40 bytes");

union sl_key {
	struct sl_key4 v4;
	struct sl_key6 v6;
};

/* sl_flow.flags */
enum sl_flow_flag {
	SL_FLOW_ORIG = 1 << 0,	/* direction of the packet that opened the session */
	SL_FLOW_SNAT = 1 << 1,	/* the session's initiator is translated */
	SL_FLOW_DNAT = 1 << 2,	/* the session's destination is translated */
	SL_FLOW_BOUND = 1 << 3, /* (ORIG only) holds one reference on a binding */
	SL_FLOW_FLUSH = 1 << 4, /* (ORIG only) ends with its next packet, or the sweeper's visit */
	SL_FLOW_TO_HOST = 1 << 6, /* (ORIG only) its destination is the host itself */
	SL_FLOW_DENIED = 1 << 7,  /* (ORIG only) the policy forbids it by now: nothing passes */
};

#define SL_HANDSHAKE_BITS 26
#define SL_CREATED_SHIFT  27 /* 134 ms; 2^32 of them are 18 years */

/* sl_flow.tcp_seen: what this direction has sent, kept by the direction's own packets. */
enum sl_tcp_seen {
	SL_TCP_SYN = 1 << 0,
	SL_TCP_ACK = 1 << 1,
	SL_TCP_FIN = 1 << 2,
	SL_TCP_RST = 1 << 3,
	SL_TCP_RESET = 1 << 4, /* its last packet was a reset */
};

#define SL_NEXTHOP_SLOT_BITS 12
#define SL_NEXTHOP_GEN_BITS  14

/*
 * Which answer of the host's FIB a flow goes by. The host may route by DSCP (`ip rule add tos`), so
 * a packet of another one than the answer was for asks anew.
 */
struct sl_nexthop_ref {
	__u32 slot : SL_NEXTHOP_SLOT_BITS; /* index into sl_nexthops */
	__u32 gen : SL_NEXTHOP_GEN_BITS;   /* sl_nexthop.gen / 2 of that slot; 0 = never resolved */
	__u32 dscp : 6;
};

/*
 * An entry has everything that is decided for one direction. It has 48 bytes, so that it and an
 * IPv4 key are a cache line. Only the packets of this direction write here; session state is the
 * union of the two directions, formed by whoever asks (the sweeper, the CLI).
 */
struct sl_flow {
	__u64 packets;	     /* forwarded frames as the hook saw them: a GSO frame counts once */
	__u64 bytes;	     /* from the Ethernet header on, without FCS */
	__u32 last_seen;     /* tick of the last packet */
	__be32 saddr, daddr; /* IPv4: what the packet leaves with, translated or not */
	__be16 sport, dport; /* what it leaves with, in both families */
	struct sl_nexthop_ref nexthop; /* written as one word */
	__u16 nh_checked;	       /* tick, modulo 2^16, at which the kernel was asked */
	__u8 flags;		       /* enum sl_flow_flag */
	__u8 tcp_seen;		       /* enum sl_tcp_seen */
	__u32 in_port : 12; /* id of the port the packets enter by; 0 = none: the host's own */
	__u32
	    out_domain : 12; /* L2 domain they leave in: the domain of the other direction's key */
	__u32 pool : 8;	     /* BOUND: the NAT pool the binding is in */
	union {
		__u16
		    rule; /* (ORIG) 1-based number of the policy's rule that judged it; 0 = none */
		__u16 account; /* (other) who pays for the session: sluice/abi/account.h */
	};
	/*
	 * Generation of the rules by which its session was decided (sluice/abi/rules.h). 0: it is
	 * to be decided anew with each packet, since something that counts was not known, or it is
	 * denied.
	 */
	__u16 rules;
};
SL_STATIC_ASSERT(sizeof(struct sl_flow) == 48, "sl_flow is 48 bytes");

/*
 * Is the connection reset? Anybody can forge a reset, so it only proposes an end: a packet that
 * comes after it, either way, takes it back (RFC 7857 section 2.1).
 */
SL_INLINE int sl_tcp_is_reset(const struct sl_flow *flow, const struct sl_flow *back)
{
	__s32 after = (__s32)(back->last_seen - flow->last_seen);

	return ((flow->tcp_seen & SL_TCP_RESET) && after <= 0) ||
	       ((back->tcp_seen & SL_TCP_RESET) && after >= 0);
}

/* Have both ends said that they send no more? One alone may go on listening: RFC 5382 section 5. */
SL_INLINE int sl_tcp_is_finished(const struct sl_flow *flow, const struct sl_flow *back)
{
	return flow->tcp_seen & back->tcp_seen & SL_TCP_FIN;
}

/*
 * Map sl_births4: what is told of a session's beginning, of ORIG entries, beside the flow, which is
 * full; sl_flow6 has it in itself.
 */
struct sl_birth {
	__u32 created; /* time of the first packet, in 2^SL_CREATED_SHIFT ns: never wraps */
	/*
	 * (TCP) us from the SYN to the initiator's first ACK, at most 67 s; 0 = not seen.
	 * Between the two the low bits of CLOCK_MONOTONIC in us.
	 */
	__u32 handshake : SL_HANDSHAKE_BITS;
	__u32 dscp : 6; /* of the first packet */
};
SL_STATIC_ASSERT(sizeof(struct sl_birth) == 8, "sl_birth is 8 bytes");

/*
 * Map sl_nexthops: ways out. Each is one answer of the host's FIB and neighbour table, shared by
 * all flows that got it. The slot is a hash of the answer. A flow remembers the slot and its gen,
 * and asks the kernel again after sl_settings.nexthop_ttl, or SL_NEXTHOP_SHARED times that if
 * others got the same answer in between; a slot that other content has taken over shows by its gen,
 * which is odd while a writer is at work.
 */
struct sl_nexthop {
	__u32 gen; /* even while nobody writes; from 2 to 2^15 - 2, then from 2 again */
	__u32 out_ifindex;
	__u8 dmac[6], smac[6];
	__u16 mtu;	/* of the route, without the Ethernet header */
	__u16 out_port; /* port id */
	__u16 out_qos;	/* its sl_port.qos */
	__u16 zero;
	__u32 checked; /* tick at which the kernel last gave this answer, to any flow */
};
SL_STATIC_ASSERT(sizeof(struct sl_nexthop) == 32, "sl_nexthop is half a cache line");

/*
 * Map sl_fragments has fragmented packets on their way. The first fragment leaves its ports there
 * once it has passed, so that the later ones find the flow. The key is what RFC 791 section 3.2 and
 * RFC 8200 section 4.5 identify a packet with, and where it came in. A port (SL_FRAGMENT_PLACE: its
 * id in in_port) has SL_FRAGMENTS of them; the key of each is in one of the port's places, of which
 * the newest takes that of the oldest.
 */
enum sl_fragment_map_kind {
	SL_FRAGMENT_PACKET = 0,
	SL_FRAGMENT_PLACE, /* id: which */
	SL_FRAGMENT_COUNT, /* how many a port has had */
};

struct sl_fragment_key {
	union sl_addr saddr, daddr;
	__be32 id;
	__u16 domain;
	__u16 in_port; /* id; 0 = the host's own */
	__u8 proto;    /* IPv4; 0 for IPv6, where the first fragment alone has a say in it */
	__u8 kind;     /* enum sl_fragment_map_kind */
	__u8 zeros[2];
};
SL_STATIC_ASSERT(sizeof(struct sl_fragment_key) == 44, "sl_fragment_key is 44 bytes");

struct sl_fragment {
	__u32 tick;   /* of the first fragment; good for SL_FRAGMENT_TICKS */
	__u32 number; /* of the port's packets */
	__be16 sport, dport;
	__u8 proto;
	__u8 zero;
	/*
	 * In bytes of what was cut up: headers, which no later fragment may overlay; what has come
	 * by; and what there is, 0 = not known before the last one comes.
	 */
	__u16 head;
	__u32 seen, whole;
};
SL_STATIC_ASSERT(sizeof(struct sl_fragment) == 24, "sl_fragment is 24 bytes");

union sl_fragment_value {
	struct sl_fragment packet;
	struct sl_fragment_key place; /* of the packet in it */
	__u32 count;
};

#define SL_FRAGMENT_TICKS 28610u /* 30 s, as Linux reassembles; RFC 791 section 3.2 has 15 */
#define SL_FRAGMENTS	  32u	 /* packets at a time of one port */

#define SL_HELD_PORTS  32u   /* more ports share the places of these */
#define SL_HELD_PLACES 8u    /* of a port */
#define SL_HELD_BYTES  2048u /* longer frames are not held */
#define SL_HELD_TICKS  1907u /* 2 s */

enum sl_held_state {
	SL_HELD_FREE = 0,
	SL_HELD_FULL,
	SL_HELD_BUSY, /* a CPU is at it */
};

/* Map sl_held has later fragments that wait for their first one. */
struct sl_held {
	__u32 state; /* enum sl_held_state */
	__u32 tick;  /* of its coming; it waits for SL_HELD_TICKS */
	__u32 length;
	struct sl_fragment_key key;
	__u8 frame[SL_HELD_BYTES]; /* without the tag of its VLAN */
};

/* Map sl_live counts how many of each there are. All updates are atomic. */
struct sl_live {
	__u64 sessions4;
	__u64 sessions6;
	__u64 tracked4; /* of sessions4, those of SL_KIND_COUNTED */
	__u64 tracked6;
	__u64 bindings;
	__u64 macs; /* learned ones in sl_fdb */
};

#define SL_NEXTHOP_SLOTS  (1u << SL_NEXTHOP_SLOT_BITS)
#define SL_NEXTHOP_SHARED 4u

/*
 * Map sl_flow_log (array, mapped by readers) tells of sessions that ended, and while somebody
 * watches of those that began, in a ring as that of events (sluice/abi/event.h).
 */
#define SL_FLOW_RECORDS 8192u

enum sl_flow_record_kind {
	SL_FLOW_BEGAN = 1,
	SL_FLOW_ENDED = 2,
};

struct sl_flow_record {
	__u64 number;
	__u64 time;		      /* CLOCK_MONOTONIC, ns */
	union sl_key key;	      /* of the direction that opened the session */
	struct sl_flow flow, reverse; /* zero if there is no such entry */
	struct sl_birth birth;
	__u8 kind;   /* enum sl_flow_record_kind */
	__u8 family; /* AF_INET or AF_INET6 */
	__u8 zero[6];
};
SL_STATIC_ASSERT(sizeof(struct sl_flow_record) == 168, "sl_flow_record is 168 bytes");

/* Map sl_flow_log_head (array of one, mapped): how far the log has come, and who looks. */
struct sl_flow_log_head {
	__u64 newest; /* number of the newest record, 0 = none yet */
	__u64
	    watched_until; /* CLOCK_MONOTONIC, ns: as long as that sessions that begin are noted */
};

#endif
