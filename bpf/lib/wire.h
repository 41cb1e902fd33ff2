/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This tells what a frame is on the wire, in which rates are counted. */
#ifndef SLUICE_BPF_LIB_WIRE_H
#define SLUICE_BPF_LIB_WIRE_H

#include "lib/parse.h"

/* From the Ethernet header on, tags included, without FCS. */
struct sl_wire {
	__u32 bytes;
	__u32 frames;
};

/*
 * Sums the segments that a GSO frame becomes: their number << 32 | bytes. Guests do not say how
 * many they are (gso_segs is 0 then). Global: the verifier looks once.
 */
__noinline __u64 sl_wire_segments(struct sl_ctx *ctx)
{
	__u32 len = ctx_len(ctx), size = ctx_gso_size(ctx), headers, segments;
	struct sl_packet pkt = {};

	sl_parse(ctx, &pkt, 0);
	headers = pkt.l4_off + pkt.l4_hlen;
	if (!pkt.l4_hlen || !size || headers >= len)
		return 1ull << 32 | len;
	segments = (len - headers + size - 1) / size;
	return (__u64)segments << 32 | (len + (segments - 1) * headers);
}

static __always_inline struct sl_wire sl_wire(struct sl_ctx *ctx)
{
	struct sl_wire wire = {.bytes = ctx_len(ctx), .frames = 1};
	__u64 segments;

	if (ctx_is_gso(ctx)) {
		segments = sl_wire_segments(ctx);
		wire.bytes = segments;
		wire.frames = segments >> 32;
	}
	if (ctx_vlan_offloaded(ctx))
		wire.bytes += VLAN_HLEN * wire.frames;
	return wire;
}

#endif
