/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_MAPS_WORK_H
#define SLUICE_BPF_MAPS_WORK_H

#include "lib/packet.h"
#include "maps/maps.h"
#include "lib/l2.h"

#define SL_HOST_TRIES 8 /* external ports found to be the host's before giving up */

/* One request for a binding, and its answer. */
struct sl_bind_request {
	struct sl_binding_key key;
	/* Who is talked to, and where from the answers come: the host's own sessions may be with
	 * it. */
	__be32 remote;
	__be16 remote_port;
	__u16 remote_domain;
	__u32 account;	      /* who pays for the binding */
	__be16 external_port; /* the answer */
	union sl_addr external;
	__u32 reason; /* enum sl_drop, if there is none */
	struct sl_binding made;
	union sl_key awaited; /* of the host's own session that could be there */
	__u16 hosts[SL_HOST_TRIES];
};

/* A frame that is being sent to many ports. */
struct sl_flood {
	__u16 in;   /* port id */
	__u16 last; /* the last port found so far, which gets the frame itself; 0 = none */
	bool probe; /* a loop probe is due at one of the ports */
};

/* The question whether an address is another port's: guard/snoop.h. */
struct sl_claim {
	union sl_addr addr;
	__u16 port;   /* id of the port that would have it */
	__u16 domain; /* L2 domain */
	__u16 owner;  /* id of the port that has it; 0 = none */
};

/* What a first fragment leaves in sl_fragments. */
struct sl_parts {
	struct sl_fragment_key key, place;
	union sl_fragment_value value, none;
	__be32 external; /* an address that is looked for in sl_externals */
	bool found;
};

#define SL_CUT_HEADS (ETH_HLEN + sizeof(struct iphdr))
#define SL_CUT_MOST  0x3fff /* bytes behind the heads that a packet may have */
#define SL_CUT_PIECE 0x3000 /* bytes of them that a fragment may have: 8 times so many */

/* A packet that is being cut into fragments, as it is to leave. */
struct sl_cut {
	__u8 heads[SL_CUT_HEADS];
	__u8 zeros[6]; /* what follows is aligned */
	__u8 rest[SL_CUT_MOST + 1 + SL_CUT_PIECE];
	__u32 length, next; /* of the rest: how much there is, and where the next piece begins */
	__u32 piece;	    /* how much goes into a fragment */
	__u32 ifindex;	    /* where copies go; 0 = nowhere */
	__s64 sum;
	bool done; /* the frame is the last fragment now */
};

/*
 * One packet's working memory, for which the stack of a chain of calls (512 bytes) is too small.
 * Both hooks run with softirqs off, so a CPU is at one packet at a time.
 */
struct sl_work {
	struct sl_packet pkt;
	__u32 len; /* of the frame as it came, on TC */
	struct sl_hop hop;
	struct bpf_fib_lookup fib; /* what the routes were asked, and said, of the source */
	struct sl_flow opened;	   /* the plan for a new session */
	struct sl_birth birth;	   /* the plan for its birth */
	struct sl_flow reverse;	   /* the plan for its answers, whose key is `other` */
	__u32 account;		   /* who pays for it: sluice/abi/account.h */
	bool instead;		   /* another one of his has given way to it */
	__u32 uplink;		   /* whose masquerades apply to it; 0 = none */
	bool overlaps;		   /* its source is to be translated: enum sl_source */
	bool for_external; /* an ICMP error about it comes from the address it was sent to */
	struct sl_bind_request bind;
	struct sl_policy_query ask;	/* about the session */
	union sl_key other;		/* the key of the session's other direction */
	__u32 other_slot;		/* and its slot, where it was looked for */
	union sl_key ended, ended_back; /* keys of a session that is being ended */
	union sl_key back;	/* of what opened the session, while its way back is looked for */
	struct sl_l2 l2;	/* of a switched frame */
	struct sl_flood flood;	/* of a frame that is flooded */
	struct sl_claim claim;	/* of the egress program, which may run within a flood */
	struct sl_port gateway; /* the port as which the VLAN's gateway gets it */
	struct sl_parts parts;	/* of a first fragment */
	struct sl_cut cut;	/* of one that is too large for the way out */
};

/* Map sl_work: what a program keeps of the packet it is at and its stack has no room for. */
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_work, __u32, struct sl_work, 1, 0);

/* Clears what a packet must not inherit from the one before it. */
static __always_inline void sl_work_begin(struct sl_work *work)
{
	__builtin_memset(&work->pkt, 0, sizeof(work->pkt));
	work->hop.neigh = false;
	work->uplink = 0;
	work->overlaps = false;
	work->for_external = false;
	work->instead = false;
}

#endif
