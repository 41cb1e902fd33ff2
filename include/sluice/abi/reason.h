/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a packet was dropped. One list: enum, name, meaning and mend stand together, and the
 * datapath, `sluice drops` and the documentation all take theirs from here.
 *
 * Map sl_drops (per-CPU array of struct sl_counter), index: port id * SL_DROP_MAX + reason,
 * where the port is the one the packet entered by, or was to leave by (tx).
 *
 * Names are part of the JSON schema: add at the end, never rename, never reuse.
 */
#ifndef SLUICE_ABI_REASON_H
#define SLUICE_ABI_REASON_H

#include "sluice/abi/types.h"

/* X(identifier, name, meaning, what to do about it) */
#define SL_DROP_REASONS(X)                                                                         \
	X(MALFORMED, "malformed", "a header is truncated or contradicts the packet's length",      \
	  "look at the sender; the packet was damaged before it came here")                        \
	X(TTL_EXCEEDED, "ttl-exceeded", "TTL or hop limit ran out; the sender was told by ICMP",   \
	  "normal for traceroute; otherwise look for a routing loop")                              \
	X(TOO_BIG, "too-big",                                                                      \
	  "larger than the MTU of the way out and not to be fragmented; the "                      \
	  "sender was told by ICMP",                                                               \
	  "normal for path MTU discovery; otherwise make the MTUs of the ports agree")             \
	X(PORTS_EXHAUSTED, "ports-exhausted", "no external port was free for a new binding",       \
	  "give the pool more ports (--ports) or another address (--address); see `sluice nat "    \
	  "pool show`")                                                                            \
	X(FLOWS_FULL, "flows-full", "the flow table is full; live sessions are never evicted",     \
	  "start the instance with a larger --max-flows")                                          \
	X(BINDINGS_FULL, "bindings-full", "the binding table is full",                             \
	  "start the instance with a larger --max-bindings")                                       \
	X(NOT_TRANSLATABLE, "not-translatable",                                                    \
	  "a masqueraded source used a protocol that has no ports to translate",                   \
	  "only TCP, UDP and ICMP echo pass a masquerade; route this protocol without NAT")        \
	X(FRAGMENT_ORPHAN, "fragment-orphan",                                                      \
	  "a later IP fragment came whose first fragment was never seen",                          \
	  "normal after loss; otherwise lower the sender's packet size")                           \
	X(UNTRANSLATED, "untranslated",                                                            \
	  "a source inside a masqueraded network was about to leave an uplink untranslated",       \
	  "the kernel routed it past sluice: attach the interface it came from with `sluice "      \
	  "port add`")                                                                             \
	X(COLLISION, "collision", "the translated flow's tuple is in use by another session",      \
	  "a forward and a session claim the same external tuple; it clears when one ends")        \
	X(REWRITE_FAILED, "rewrite-failed", "the kernel refused to change or send the packet",     \
	  "usually memory pressure; see the interface's own error counters")

enum sl_drop {
	SL_DROP_NONE = 0,
#define SL_DROP_ENUM(id, name, meaning, mend) SL_DROP_##id,
	SL_DROP_REASONS(SL_DROP_ENUM)
#undef SL_DROP_ENUM
	    SL_DROP_COUNT,
};

/* Room for reasons to come without a change of map layout. */
#define SL_DROP_MAX   64u
#define SL_DROP_SLOTS (SL_MAX_PORTS * SL_DROP_MAX)

#endif
