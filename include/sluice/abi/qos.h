/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QoS: rates of ports, classes of traffic. What enters by a port is policed; what leaves by it is
 * policed, or queued by a qdisc of the kernel (HTB, fq), of whose queue the datapath keeps a model.
 */
#ifndef SLUICE_ABI_QOS_H
#define SLUICE_ABI_QOS_H

#include "sluice/abi/stats.h"
#include "sluice/abi/types.h"

/* sl_port.qos */
enum sl_qos_flag {
	SL_QOS_POLICE = 1 << 0,	 /* sl_qos.in_bytes, in_frames limit what enters */
	SL_QOS_REMARK = 1 << 1,	 /* DSCP or PCP of what enters is changed */
	SL_QOS_EGRESS = 1 << 2,	 /* what leaves goes through the egress stage */
	SL_QOS_QUEUED = 1 << 3,	 /* by a qdisc, which XDP would pass by: no redirect target */
	SL_QOS_CLASSES = 1 << 4, /* what leaves is classified */
	SL_QOS_EDT = 1 << 5,	 /* sl_qos.out gives each frame its time of departure, for fq */
	SL_QOS_ECN = 1 << 6,	 /* frames that wait sl_qos.mark_at are marked, if they may be */
	SL_QOS_SINGLY = 1 << 7,	 /* POLICE: in_frames holds, or all is blocked: no credit */
};

/*
 * A token bucket is a virtual schedule (GCRA, ITU-T I.371 annex A). Its state is one number: the
 * time at which it will be full again. Times are in 2^-8 ns, modulo 2^64 (2.2 years).
 */
#define SL_BUCKET_TIME_SHIFT 8
#define SL_BUCKET_COST_SHIFT 16

enum sl_bucket_flag {
	SL_BUCKET_LIMITED = 1 << 0, /* without it everything conforms */
	SL_BUCKET_BLOCKED = 1 << 1, /* and with this one nothing does */
	SL_BUCKET_FINE = 1 << 2,    /* the burst is too short for a clock that steps by jiffies */
};

struct sl_bucket {
	__u64 cost;  /* time that a byte (a frame) takes, in 2^-24 ns */
	__u64 limit; /* how far ahead of now the time may be: the burst */
	__u64 most;  /* further ahead it never is: if so, the clock has gone back */
	__u32 flags; /* enum sl_bucket_flag */
	__u32 chunk; /* bytes that a CPU takes at a time, for its credit; 0 = none */
};
SL_STATIC_ASSERT(sizeof(struct sl_bucket) == 32, "sl_bucket is 32 bytes");

#define SL_DSCPS     64u
#define SL_DSCP_KEEP 0xff
#define SL_PCPS	     8u
#define SL_PCP_KEEP  0xff

/* Map sl_qos (array), index: port id. Written by the loader alone. */
struct sl_qos {
	struct sl_bucket in_bytes, in_frames, out;
	__u64 patience;	 /* how long a frame may wait to leave; 0: it is policed */
	__u64 mark_at;	 /* SL_QOS_ECN: wait from which frames are marked */
	__u64 late_at;	 /* wait from which they are counted as late; 0 = never */
	__u32 handle;	 /* SL_QOS_CLASSES: of the qdisc, major << 16; 0 = none */
	__u8 dscp;	 /* DSCP of what enters: SL_DSCP_KEEP, or what it becomes */
	__u8 pcp_rules;	 /* 1: pcp[] holds for what enters */
	__u8 dscp_rules; /* 1: dscps[] holds for what enters with a tag */
	__u8 zero;
	__u8 pcp[SL_DSCPS];  /* priority by DSCP; SL_PCP_KEEP */
	__u8 dscps[SL_PCPS]; /* DSCP by priority; SL_DSCP_KEEP */
	__u8 zeros[24];
};
SL_STATIC_ASSERT(sizeof(struct sl_qos) == 224, "sl_qos is 224 bytes");

/* This keeps one bucket's time, and how long it has been at its limit. It is a cache line. */
struct sl_bucket_state {
	__u64 bytes_at, frames_at; /* when it is full again; 0 = it is */
	__u64 throttled;	   /* ns in which frames came that were over the rate */
	__u64 over_at;		   /* ns, when the last of them came */
	__u64 zeros[4];
};

/* Map sl_qos_states (array, mapped by the loader), index: port id. Kept by the datapath. */
struct sl_qos_state {
	struct sl_bucket_state in, out;
};
SL_STATIC_ASSERT(sizeof(struct sl_qos_state) == 128, "sl_qos_state is two cache lines");

/* Frames over the rate that come within this are one spell of throttling. */
#define SL_THROTTLE_GAP_NS 100000000ull

/*
 * Map sl_qos_stats (per-CPU array), index: port id. Bytes are those of the frames on the wire: of
 * a GSO frame all its segments with their headers, without preamble and FCS.
 */
enum sl_qos_count {
	SL_QOS_IN_CONFORMED = 0,
	SL_QOS_IN_EXCEEDED = 1, /* dropped */
	SL_QOS_OUT_CONFORMED = 2,
	SL_QOS_OUT_EXCEEDED = 3, /* dropped by the policer, or for the length of the queue */
	SL_QOS_OUT_MARKED = 4,	 /* of OUT_CONFORMED: congestion experienced (RFC 3168) */
	SL_QOS_OUT_LATE = 5,	 /* of OUT_CONFORMED: waited for more than sl_qos.late_at */
	SL_QOS_COUNTS = 6,
};
struct sl_qos_stats {
	struct sl_counter counts[SL_QOS_COUNTS];
	__u64 in_credit, out_credit; /* bytes that this CPU took from the bucket and has left */
};

/*
 * Classes. The first match that a frame fulfils says its class; none: class 0. Map sl_qos_rules
 * (array, one entry): for each property of a frame the set of matches that it does not contradict,
 * so that a frame's matches are the intersection of a few sets, however many matches there are.
 */
#define SL_QOS_CLASSES_MAX 16u
#define SL_QOS_MATCHES_MAX 64u
#define SL_QOS_INTERVALS   256u
#define SL_QOS_NO_PROTOCOL 255u /* not IP; IANA has reserved 255 */
#define SL_QOS_VLANS	   4096u

struct sl_qos_rules {
	__u64 by_port[SL_MAX_PORTS]; /* either of the ports it enters and leaves by */
	__u64 by_vlan[SL_QOS_VLANS]; /* 0 = none */
	__u64 by_protocol[256];
	__u64 by_dscp[SL_DSCPS];
	__u64 by_interval[SL_QOS_INTERVALS]; /* of either of its L4 ports */
	__u8 class_of[SL_QOS_MATCHES_MAX];
	__u8 dscp[SL_QOS_CLASSES_MAX];	 /* what the class's frames get, or SL_DSCP_KEEP */
	__u8 urgent[SL_QOS_CLASSES_MAX]; /* 1: never marked for the queues of the others */
	__u8 zeros[32];
};
SL_STATIC_ASSERT(sizeof(struct sl_qos_rules) % 8 == 0, "sl_qos_rules is whole words");

/* Map sl_qos_intervals (array, one entry): which interval of L4 ports a port is in. 0: none. */
struct sl_qos_intervals {
	__u8 of[65536];
};

/* Map sl_qos_class_stats (per-CPU array), index: port id * SL_QOS_CLASSES_MAX + class. */
struct sl_qos_class_stats {
	struct sl_counter sent, marked;
};

/* The HTB class of a class is handle | this + class. */
#define SL_QOS_HTB_MAJOR 0x51ceu
#define SL_QOS_HTB_ROOT	 1u
#define SL_QOS_HTB_LEAF	 0x10u

#endif
