/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This completes TCP and UDP checksums on XDP. A partial one must be completed here, for once the
 * frame is redirected nobody does it: summed over the whole segment, starting from what the field
 * holds. If that was a complete checksum which only looked partial, the same value comes out.
 */
#ifndef SLUICE_BPF_CTX_XDP_CSUM_H
#define SLUICE_BPF_CTX_XDP_CSUM_H

#include "ctx/xdp.h"
#include "lib/csum.h"
#include "lib/l4csum.h"
#include "lib/parse.h"

#define SL_CSUM_CHUNK  512
#define SL_CSUM_CHUNKS 32 /* 16 KB: more than any jumbo frame */

/*
 * Sums len bytes of the frame from off on, by a buffer, because a jumbo frame's tail is not
 * directly readable. Returns the folded sum, or a negative errno. Global: the verifier looks once.
 */
__noinline int sl_csum_frame(struct xdp_md *ctx, __u32 off, __u32 len)
{
	__u32 zero = 0;
	struct sl_csum_buffer *buf = bpf_map_lookup_elem(&sl_csum_scratch, &zero);
	__s64 sum = 0;

	if (!buf)
		return -1;
	for (int i = 0; i < SL_CSUM_CHUNKS && len >= SL_CSUM_CHUNK; i++) {
		if (bpf_xdp_load_bytes(ctx, off, buf->bytes, SL_CSUM_CHUNK))
			return -1;
		sum = bpf_csum_diff(NULL, 0, (void *)buf->bytes, SL_CSUM_CHUNK, sum);
		off += SL_CSUM_CHUNK;
		len -= SL_CSUM_CHUNK;
	}
	if (len >= SL_CSUM_CHUNK)
		return -1;
	if (len) {
		/* The last word may reach up to 3 bytes beyond the data: they count as zero. */
		__builtin_memset(buf->bytes + (len & ~3u & (SL_CSUM_CHUNK - 1)), 0, 4);
		/* To the verifier of Linux 6.1, "not 0" is not yet "at least 1". */
		len--;
		barrier_var(len);
		len = (len & (SL_CSUM_CHUNK - 1)) + 1;
		if (bpf_xdp_load_bytes(ctx, off, buf->bytes, len))
			return -1;
		sum = bpf_csum_diff(NULL, 0, (void *)buf->bytes, (len + 3) & ~3u, sum);
	}
	return sum < 0 ? -1 : sl_csum_fold(sum);
}

static __always_inline __u32 ctx_l4_check_off(const struct sl_packet *pkt)
{
	return pkt->l4_off + (pkt->proto == IPPROTO_TCP ? offsetof(struct tcphdr, check)
							: offsetof(struct udphdr, check));
}

/*
 * Completes a partial checksum. It is to be called before anything is rewritten, so that a frame it
 * can't do is still as it came. Returns 0, or a negative errno.
 */
static __always_inline int ctx_l4_csum_complete(struct xdp_md *ctx, const struct sl_packet *pkt)
{
	__u8 proto = pkt->proto;
	__u32 off = ctx_l4_check_off(pkt) & SL_L4_OFF_MASK;
	__u16 *check = ctx_data(ctx) + off;
	int sum;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if ((void *)(check + 1) > ctx_data_end(ctx))
		return -1;
	if (likely(!sl_check_looks_partial(pkt, *check)))
		return 0;
	if (proto == IPPROTO_UDP && !*check)
		return 0; /* the sender chose to have none: RFC 768 */
	sum = sl_csum_frame(ctx, pkt->l4_off, sl_l4_len(pkt));
	check = ctx_data(ctx) + off;
	if (sum < 0 || (void *)(check + 1) > ctx_data_end(ctx))
		return -1;
	*check = ~sum;
	if (proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
	return 0;
}

/* Does what that of ctx/skb.h does; here the checksum is complete by now. */
static __always_inline int ctx_l4_csum_replace(struct xdp_md *ctx, const struct sl_packet *pkt,
					       void *l4, __u32 field, __u64 addr_diff,
					       __u64 port_diff)
{
	sl_check_replace(l4 + field, addr_diff + port_diff, pkt->proto == IPPROTO_UDP);
	return 0;
}

static __always_inline int ctx_store_hop_limit(struct xdp_md *ctx, __u32 off, __u8 value)
{
	__u8 *field = ctx_data(ctx) + (off & SL_L4_OFF_MASK);

	if ((void *)(field + 1) > ctx_data_end(ctx))
		return -1;
	*field = value;
	return 0;
}

#endif
