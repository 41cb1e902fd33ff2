/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters. All are per CPU: sum over the CPUs to read one. */
#ifndef SLUICE_ABI_STATS_H
#define SLUICE_ABI_STATS_H

#include "sluice/abi/types.h"

/*
 * Frames are counted as the hook saw them (a GSO frame counts once), bytes from the Ethernet header
 * on.
 */
struct sl_counter {
	__u64 packets;
	__u64 bytes;
};

/*
 * This is what became of a packet. For every port and direction OBSERVED = FORWARDED + PASSED +
 * DROPPED holds exactly: OBSERVED is counted apart, on the same CPU, so a missing count shows.
 */
enum sl_count {
	SL_COUNT_OBSERVED = 0,
	SL_COUNT_FORWARDED = 1, /* rx: sent on by sluice. tx: sluice sent it here */
	SL_COUNT_PASSED = 2,	/* left to the kernel, untouched */
	SL_COUNT_DROPPED = 3,
	SL_COUNT_MAX = 4,
};

/* Map sl_port_stats (per-CPU array), index: port id. */
struct sl_port_stats {
	struct sl_counter rx[SL_COUNT_MAX]; /* entered the host by this port */
	struct sl_counter tx[SL_COUNT_MAX]; /* left the host by it */
	/* This, of both, has no flow although the port's traffic is tracked: the table was full. */
	struct sl_counter unattributed;
};
SL_STATIC_ASSERT(sizeof(struct sl_port_stats) == 144, "sl_port_stats is 144 bytes");

#endif
