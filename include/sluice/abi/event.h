/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events: what somebody should know, written by the datapath into a ring that keeps the newest
 * SL_EVENTS of them. The datapath never waits for a reader; any number of readers look at it in
 * shared memory (BPF_F_MMAPABLE) and find out by the sequence numbers what they missed.
 */
#ifndef SLUICE_ABI_EVENT_H
#define SLUICE_ABI_EVENT_H

#include "sluice/abi/types.h"

#define SL_EVENTS	4096u
#define SL_EVENT_HEADER 96u

/* X(identifier, name, severity, meaning). Names are part of the JSON schema: add at the end. */
#define SL_EVENT_KINDS(X)                                                                          \
	X(DROP, "drop", "warning", "a packet was dropped; `reason` says why")                      \
	X(AUDIT, "audit", "notice", "the guard would have dropped it, were it not on --audit")     \
	X(MAC_DUPLICATE, "mac-duplicate", "error",                                                 \
	  "a leased MAC was seen on a port that is not its own")                                   \
	X(MAC_FOREIGN, "mac-foreign", "warning",                                                   \
	  "a MAC inside a pool was seen that nobody was given")                                    \
	X(ADDRESS_SNOOPED, "address-snooped", "info", "a DHCP server gave the port an address")    \
	X(MAC_LEARNED, "mac-learned", "info", "a port's guard learned another source MAC")         \
	X(MAC_MOVED, "mac-moved", "notice", "the switch found a MAC on another port than before")  \
	X(LOOP, "loop", "error", "what left by the other port came back by this one")              \
	X(BPDU, "bpdu", "warning", "a spanning tree frame entered by a port that sends none")      \
	X(MACS_FULL, "macs-full", "warning",                                                       \
	  "the table, or the port's share of it, is full: frames for MACs not in it are flooded")  \
	X(SYN_FLOOD, "syn-flood", "error",                                                         \
	  "too many connections to this destination are begun and not completed")                  \
	X(UDP_FLOOD_TO, "udp-flood-to", "error", "too many UDP packets to this destination")       \
	X(UDP_FLOOD_FROM, "udp-flood-from", "error", "too many UDP packets from this source")      \
	X(ICMP_FLOOD_TO, "icmp-flood-to", "error", "too many ICMP packets to this destination")    \
	X(ICMP_FLOOD_FROM, "icmp-flood-from", "error", "too many ICMP packets from this source")   \
	X(PORT_SCAN, "port-scan", "warning",                                                       \
	  "this source tries one port after the other of this destination")                        \
	X(HOST_SCAN, "host-scan", "warning",                                                       \
	  "this source tries this port of one host after the other")                               \
	X(CONNECTION_RATE, "connection-rate", "warning", "too many flows begin at this port")      \
	X(MAC_FLOOD, "mac-flood", "error", "too many new source MACs at this port")                \
	X(ARP_SCAN, "arp-scan", "warning", "too many addresses are asked for by ARP at this port") \
	X(POLICY_LOG, "policy-log", "info",                                                        \
	  "a flow was opened that a rule allows and has reported")                                 \
	X(CHANGED, "changed", "notice", "sluice was told to change something, and has")            \
	X(SOURCE_BLOCKED, "source-blocked", "warning",                                             \
	  "a detector put the source on the block list; `reason` says which")                      \
	X(ADDRESS_REFUSED, "address-refused", "warning",                                           \
	  "a DHCP answer gave the port an address that its guard does not take from it")

enum sl_event_kind {
	SL_EVENT_NONE = 0,
#define SL_EVENT_ENUM(id, name, severity, meaning) SL_EVENT_##id,
	SL_EVENT_KINDS(SL_EVENT_ENUM)
#undef SL_EVENT_ENUM
	    SL_EVENT_COUNT,
};

/*
 * Map sl_events (array, mapped by readers). Event number N is in slot (N - 1) % SL_EVENTS. A reader
 * copies the slot and then looks again: `number` is 0 while it is written and N when it is whole.
 */
struct sl_event {
	__u64 number;
	__u64 time;	 /* CLOCK_MONOTONIC, ns */
	__u32 repeats;	 /* of the same kind, reason and port that were not reported before it */
	__u32 frame_len; /* of the whole frame, bytes */
	__u16 port;	 /* id; 0 = none */
	/*
	 * MAC_DUPLICATE, MAC_MOVED: the port it belongs to, or was on before; LOOP: the other end;
	 * ADDRESS_REFUSED: the port that has the address, 0 = the host, or the answer is not to be
	 * believed; POLICY_LOG, and DROP by the policy: 1-based number of the rule, 0 = a default.
	 */
	__u16 other_port;
	__u8 kind;	 /* enum sl_event_kind */
	__u8 reason;	 /* DROP, AUDIT: enum sl_drop; SOURCE_BLOCKED: enum sl_detector */
	__u8 egress;	 /* it was to leave by the port */
	__u8 header_len; /* bytes of header that are there */
	/* The frame's beginning, with its tags. CHANGED, which no frame causes: a text in UTF-8. */
	__u8 header[SL_EVENT_HEADER];
};
SL_STATIC_ASSERT(sizeof(struct sl_event) == 128, "sl_event is two cache lines");

/* Map sl_event_head (array of one, mapped): number of the newest event, 0 = none yet. */
struct sl_event_head {
	__u64 newest;
};

/*
 * Map sl_event_limits (array): one event a second for each port and subject, the others are
 * counted. Index: port id * SL_EVENT_SUBJECTS + subject; a drop's or audit's subject is its reason
 * (audit the same), another kind's SL_DROP_MAX + kind. The last two are the port's budgets, so that
 * no port takes the ring from the others: of their `last` an event takes SL_EVENT_COST ticks, and
 * no more than SL_EVENT_BURST are saved up.
 */
#define SL_EVENT_SUBJECTS      128u
#define SL_EVENT_BUDGET_FRAMES 126u /* of DROP, AUDIT and POLICY_LOG */
#define SL_EVENT_BUDGET_OTHERS 127u /* of all other kinds, which drops can't use up */
#define SL_EVENT_BURST	       64u
/*
 * 0.77 s: not the second after which a subject is reported again, or the same one would always be
 * first.
 */
#define SL_EVENT_COST 733u

struct sl_event_limit {
	__u32 last; /* tick of the last event; a budget's: up to which its time is spent */
	/*
	 * Modulo 2^32. A drop's or audit's: its frames (sl_drops and sl_audits) up to the last
	 * event, so that a frame which is not reported costs nothing. Another kind's: events not
	 * reported since.
	 */
	__u32 counted;
};

#endif
