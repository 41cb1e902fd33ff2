/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy: which sessions may be opened. Ordered rules, the first that fits decides.
 *
 * Rules are numbers of bits. Each property of a packet (sl_policy_property) has a class: the set of
 * rules that have nothing against it. The rules that fit are what the classes have in common, and
 * the lowest bit of that decides, however many rules there are ("aggregated bit vectors", Baboescu
 * and Varghese, SIGCOMM 2001). Behind the rules stand the defaults, as bits of their own.
 *
 * All of it is in one image, an array of lines that the loader makes and the datapath only reads.
 * Map sl_policy (array of maps, one slot) holds the image in force, so that a policy changes at
 * once and wholly.
 */
#ifndef SLUICE_ABI_POLICY_H
#define SLUICE_ABI_POLICY_H

#include "sluice/abi/types.h"

#define SL_POLICY_BITS	     16384u /* rules and defaults */
#define SL_POLICY_WORDS	     (SL_POLICY_BITS / 64)
#define SL_POLICY_SUMMARY    (SL_POLICY_WORDS / 64)
#define SL_POLICY_LINES_MAX  (1u << 20) /* of an image: 64 MB */
#define SL_POLICY_DEPTH	     12		/* of a tree: 4^12 intervals */
#define SL_POLICY_NO_RULE    SL_POLICY_BITS
#define SL_POLICY_BLOCK_BITS 2048u /* 32 words, 4 lines */

/* The higher an action, the stricter it is. */
enum sl_policy_action {
	SL_POLICY_ALLOW = 0,
	SL_POLICY_LOG = 1, /* allowed and reported */
	SL_POLICY_REJECT = 2,
	SL_POLICY_DENY = 3,
};

/*
 * A source fits by its address or by the port its packets enter by, a destination by its address or
 * by the port they leave by: the classes of those two are joined before anything else is done.
 */
enum sl_policy_property {
	SL_POLICY_SOURCE = 0,
	SL_POLICY_DESTINATION = 1,
	SL_POLICY_PROTOCOL = 2, /* and the ICMP type: SL_POLICY_ICMP_TYPES */
	SL_POLICY_DESTINATION_PORT = 3,
	SL_POLICY_SOURCE_PORT = 4,
	SL_POLICY_VLAN = 5,
	SL_POLICY_SOURCE_MAC = 6,
	SL_POLICY_IN_PORT = 7,	/* SL_POLICY_SOURCE + SL_POLICY_JOINED */
	SL_POLICY_OUT_PORT = 8, /* SL_POLICY_DESTINATION + SL_POLICY_JOINED */
	SL_POLICY_PROPERTIES = 9,
};
#define SL_POLICY_JOINED 7

/* SL_POLICY_PROTOCOL has values beyond 255: 256 + type of ICMP, 512 + type of ICMPv6. */
#define SL_POLICY_ICMP_TYPES   256u
#define SL_POLICY_ICMPV6_TYPES 512u

/* A value of any property is in host order; an address is 128 bits, IPv4 mapped. */
struct sl_policy_value {
	__u64 high, low;
};

/*
 * A node of the tree that tells the class of a value. child[i]: of the values that are greater than
 * i of the three bounds; a node, or with SL_POLICY_LEAF the class itself. Both are numbers of
 * lines.
 */
#define SL_POLICY_LEAF (1u << 31)
struct sl_policy_node {
	struct sl_policy_value bound[3]; /* ascending */
	__u32 child[4];
};

/* A class is a set of rules. Bit i of the summary says that word i is not zero. */
struct sl_policy_class {
	__u64 summary[SL_POLICY_SUMMARY];
	__u32 block[SL_POLICY_BITS / SL_POLICY_BLOCK_BITS]; /* the first of its four lines */
};

struct sl_policy_rule {
	__u64 expires; /* CLOCK_MONOTONIC, ns; 0 = never */
	__u32 action;  /* enum sl_policy_action */
	__u32 zero;
};

/* The header is line 0. */
struct sl_policy_header {
	/* The same as a node's child. 0: no rule asks for the property, which is never so for
	 * SL_POLICY_PROTOCOL. */
	__u32 root[SL_POLICY_PROPERTIES];
	__u32 rules;	    /* line of the first four */
	__u64 fingerprint;  /* of all that the image was made of */
	__u16 generation;   /* sl_rules.loaded, its low 16 bits */
	__u16 out_defaults; /* word of the first default of what leaves its source; 256 = none */
	__u16 in_defaults;  /* those of what goes to its destination; behind the others */
	__u16 zeros[5];
};

union sl_policy_line {
	struct sl_policy_header header;
	struct sl_policy_node node;
	struct sl_policy_class set;
	struct sl_policy_rule rules[4];
	__u64 words[8];
};
SL_STATIC_ASSERT(sizeof(struct sl_policy_header) == 64, "sl_policy_header is a line");
SL_STATIC_ASSERT(sizeof(struct sl_policy_node) == 64, "sl_policy_node is a line");
SL_STATIC_ASSERT(sizeof(struct sl_policy_class) == 64, "sl_policy_class is a line");
SL_STATIC_ASSERT(sizeof(union sl_policy_line) == 64, "a line is a cache line");

/* It is not known where the packet leaves: it is flooded, or left to a bridge of the kernel. */
#define SL_POLICY_PORT_UNKNOWN 0xffffu
/* The packet leaves by an interface that is no port. */
#define SL_POLICY_PORT_OTHER 0xfffeu

/* sl_policy_query.hidden, one including the other. */
enum sl_policy_hidden {
	SL_POLICY_SEEN = 0,
	SL_POLICY_L4_HIDDEN,	    /* protocol and ports */
	SL_POLICY_ADDRESSES_HIDDEN, /* the addresses as well */
};

/*
 * What is asked about a packet, and the answer. If something is hidden: is there a rule in force
 * that would forbid the packet, whatever it is that is not known?
 */
struct sl_policy_query {
	union sl_addr saddr, daddr; /* IPv4 mapped; the inside ones, without translation */
	__u64 smac;		    /* the first byte the highest */
	__u16 sport, dport;	    /* host order */
	__u16 vid;		    /* 0 = none */
	__u16 in_port, out_port;    /* port ids; 0 = the host; SL_POLICY_PORT_UNKNOWN */
	__u8 proto, icmp_type;
	__u16 rule; /* answer: 1-based number of the rule that decided; 0 = a default, or none */
	__u16 generation; /* answer: of the image that it was judged by */
	__u16 hit;	  /* answer: index into sl_policy_hits */
	__u16 hidden;	  /* enum sl_policy_hidden: what is not known of the packet */
	__u16 zeros[2];
	/* Working memory, of which a chain of calls has too little on its stack. */
	__u64 now;		       /* CLOCK_MONOTONIC, ns */
	__u64 live[SL_POLICY_SUMMARY]; /* words that are not looked at yet */
	__u64 word;		       /* rules of the word that is looked at */
	__u32 at;		       /* its number */
	__u32 found;		       /* rule, or SL_POLICY_NO_RULE */
	__u32 rules;		       /* of the header */
	__u32 classes[SL_POLICY_PROPERTIES];
};
SL_STATIC_ASSERT(sizeof(struct sl_policy_query) == 160, "sl_policy_query is 160 bytes");

/* Map sl_policy_hits (per-CPU array), index: 0 = nothing decided, else bit + 1. */
#define SL_POLICY_HITS (SL_POLICY_BITS + 1)
struct sl_policy_hit {
	__u64 flows;	  /* sessions that it opened */
	__u64 denied;	  /* packets */
	__u32 reported;	  /* tick of the last event about it */
	__u32 unreported; /* since then */
};

#endif
