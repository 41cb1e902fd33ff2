/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This is the context vocabulary on XDP: see ctx/common.h. */
#ifndef SLUICE_BPF_CTX_XDP_H
#define SLUICE_BPF_CTX_XDP_H

#define sl_ctx xdp_md

#include "ctx/common.h"
#include "lib/packet.h"
#include "maps/maps.h"

#define SL_XDP_ONE_BUFFER 1600

static __always_inline void *ctx_data(const struct sl_ctx *ctx)
{
	return ctx_pointer(ctx, offsetof(struct sl_ctx, data));
}

static __always_inline void *ctx_data_end(const struct sl_ctx *ctx)
{
	return ctx_pointer(ctx, offsetof(struct sl_ctx, data_end));
}

static __always_inline __u32 ctx_len(struct sl_ctx *ctx)
{
	__u32 linear = ctx->data_end - ctx->data;

	/* Frames with more than one buffer fill the first, which takes over 3 KB. */
	return likely(linear < SL_XDP_ONE_BUFFER) ? linear : bpf_xdp_get_buff_len(ctx);
}

static __always_inline __u32 ctx_ifindex(const struct sl_ctx *ctx)
{
	return ctx->ingress_ifindex;
}

/* A GSO frame looks here like any frame longer than the MTU, which ctx_segment_len() tells. */
static __always_inline bool ctx_is_gso(const struct sl_ctx *ctx)
{
	return false;
}

static __always_inline __u32 ctx_gso_size(const struct sl_ctx *ctx)
{
	return 0;
}

static __always_inline __u8 ctx_vlan_offloaded(const struct sl_ctx *ctx)
{
	return 0;
}

static __always_inline __u16 ctx_vlan_vid(const struct sl_ctx *ctx)
{
	return 0;
}

static __always_inline __u32 ctx_vlan_beside(const struct sl_ctx *ctx)
{
	return 0;
}

static __always_inline void ctx_vlan_tag(const struct sl_ctx *ctx, __u8 *bytes)
{
}

static __always_inline bool ctx_is_last(void)
{
	return false;
}

/* Copies bytes of the frame, in whichever buffer they are (Linux 5.18). */
static __always_inline int ctx_load_bytes(struct sl_ctx *ctx, __u32 off, void *to, __u32 len)
{
	return bpf_xdp_load_bytes(ctx, off, to, len);
}

/* Does nothing: headers stand in the first buffer, or the frame is not for the fast path. */
static __always_inline int ctx_make_linear(struct sl_ctx *ctx, __u32 want)
{
	return 0;
}

static __always_inline __u32 ctx_segment_len(const struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	return pkt->l3_len;
}

/* It can't be asked here: TC does. */
static __always_inline bool ctx_host_takes(struct sl_ctx *ctx, __u32 l3_ifindex)
{
	return false;
}

static __always_inline int ctx_fib_lookup(struct sl_ctx *ctx, struct bpf_fib_lookup *fib,
					  __u32 flags)
{
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), flags);
}

/*
 * Sends the frame on. Only ports that were proved able to receive are in the map; for others the
 * look-up fails.
 */
static __always_inline int ctx_redirect(struct sl_ctx *ctx, const struct sl_hop *hop)
{
	return bpf_redirect_map(&sl_xdp_targets, hop->port, XDP_PASS);
}

#endif
