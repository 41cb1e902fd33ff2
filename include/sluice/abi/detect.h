/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Detection of attacks: what is counted in a time window for a source, a destination or a port, and
 * from how much on it is reported. Rules are the loader's (map sl_detect_rules), the counts the
 * datapath's (map sl_detect).
 */
#ifndef SLUICE_ABI_DETECT_H
#define SLUICE_ABI_DETECT_H

#include "sluice/abi/types.h"

/*
 * X(identifier, name, threshold, window in ms, what is counted, for what). Names are part of the
 * JSON schema: add at the end, and an event of the same name to SL_EVENT_KINDS at its end.
 */
#define SL_DETECTORS(X)                                                                            \
	X(SYN_FLOOD, "syn-flood", 1000, 1000, "connections begun and not completed",               \
	  "destination")                                                                           \
	X(UDP_FLOOD_TO, "udp-flood-to", 200000, 1000, "UDP packets", "destination")                \
	X(UDP_FLOOD_FROM, "udp-flood-from", 200000, 1000, "UDP packets", "source")                 \
	X(ICMP_FLOOD_TO, "icmp-flood-to", 10000, 1000, "ICMP packets", "destination")              \
	X(ICMP_FLOOD_FROM, "icmp-flood-from", 10000, 1000, "ICMP packets", "source")               \
	X(PORT_SCAN, "port-scan", 40, 60000, "ports tried without success",                        \
	  "source and destination")                                                                \
	X(HOST_SCAN, "host-scan", 60, 60000, "hosts tried without success", "source and port")     \
	X(CONNECTION_RATE, "connection-rate", 20000, 1000, "flows begun", "port")                  \
	X(MAC_FLOOD, "mac-flood", 500, 1000, "MACs learned", "port")                               \
	X(ARP_SCAN, "arp-scan", 100, 10000, "addresses asked for by ARP", "port")

enum sl_detector {
#define SL_DETECTOR_ENUM(id, name, threshold, window, counted, per) SL_DETECT_##id,
	SL_DETECTORS(SL_DETECTOR_ENUM)
#undef SL_DETECTOR_ENUM
	    SL_DETECTOR_COUNT,
};

enum sl_detect_action {
	SL_DETECT_OFF = 0,
	SL_DETECT_REPORT = 1,
	SL_DETECT_LIMIT = 2, /* and what is over the threshold is dropped */
	SL_DETECT_BLOCK = 3, /* and its source is put on the block list */
};

/* Map sl_detect_rules (array), index: enum sl_detector. */
struct sl_detect_rule {
	__u32 threshold; /* in one window, at least 1 */
	__u32 window;	 /* ticks */
	__u32 action;	 /* enum sl_detect_action */
	__u32 block;	 /* SL_DETECT_BLOCK: for so many ticks */
};
SL_STATIC_ASSERT(sizeof(struct sl_detect_rule) == 16, "sl_detect_rule is 16 bytes");

/*
 * Map sl_detect (array): what one source, destination or port has done in its window. The slots of
 * a key are two, side by side; who finds neither takes the one with less in it, so that the
 * greatest stay. `seen` is a set of hashes of what was tried: 256 bits tell some 200 apart.
 */
#define SL_DETECT_SLOTS 32768u

struct sl_detect {
	__u32 tag;   /* hash of detector and key; 0 = free */
	__u32 begun; /* tick */
	__u32 count;
	__u32 zero;
	__u64 seen[4];
	__u64 zeros[2];
};
SL_STATIC_ASSERT(sizeof(struct sl_detect) == 64, "sl_detect is a cache line");

#endif
