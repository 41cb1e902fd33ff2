/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By what sessions are decided: the generation of the rules, and whether a policy is in force. */
#ifndef SLUICE_ABI_RULES_H
#define SLUICE_ABI_RULES_H

#include "sluice/abi/types.h"

/*
 * Map sl_rules (array of one, mapped by the loader and by the datapath's timer). A session
 * remembers the generation that it was decided by (sl_flow.rules). Each of its packets compares
 * that with the one in force, and one that meets another generation has the session decided anew
 * before it goes on: kept, or ended and opened as it would be opened now.
 *
 * Whoever changes rules (policy, translations, ports) changes their maps first and takes a new
 * generation then, so that what is decided under it is decided by the new rules. Whoever decides
 * reads the generation first.
 */
struct sl_rules {
	__u32 numbers;	  /* the last one that was given out, by atomic additions */
	__u32 generation; /* in force; its low 16 bits count, and are never 0 */
	__u32 policy;	  /* number of the policy in force; 0 = none is */
	__u32 loaded;	  /* number of the policy's image, as the loader put it there */
	__u64 expires;	  /* the next rule of the policy, CLOCK_MONOTONIC, ns; 0 = none will */
	__u64 text;	  /* hash of the policy's text whose rules sl_policy_hits counts */
	__u64 recheck;	  /* another number: there are sessions that the sweeper is to visit soon */
};
SL_STATIC_ASSERT(sizeof(struct sl_rules) == 40, "sl_rules is 40 bytes");

#endif
