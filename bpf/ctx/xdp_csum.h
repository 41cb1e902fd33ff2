/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TCP and UDP checksums on XDP, where no metadata tells whether a frame's checksum is complete or
 * was left to a device. A frame from a local sender (veth, tap with offloads on) holds just the
 * folded pseudo-header sum (CHECKSUM_PARTIAL), and once redirected nobody completes it. So: a
 * field equal to the pseudo-header sum is summed over the whole segment. A complete checksum that
 * happens to look so, 1 in 65536, comes out unchanged, because the sum then starts from the same
 * value.
 */
#ifndef SLUICE_BPF_CTX_XDP_CSUM_H
#define SLUICE_BPF_CTX_XDP_CSUM_H

#include "ctx/xdp.h"
#include "lib/csum.h"
#include "lib/parse.h"

#define SL_CSUM_CHUNK  512
#define SL_CSUM_CHUNKS 32 /* 16 KB: more than any jumbo frame */

/*
 * The folded sum over len bytes of the frame from off on, or a negative errno. Through a buffer,
 * because a jumbo frame's tail is not directly readable.
 */
static __noinline int sl_csum_frame(struct xdp_md *ctx, __u32 off, __u32 len)
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
		if (bpf_xdp_load_bytes(ctx, off, buf->bytes, len))
			return -1;
		sum = bpf_csum_diff(NULL, 0, (void *)buf->bytes, (len + 3) & ~3u, sum);
	}
	return sum < 0 ? -1 : sl_csum_fold(sum);
}

static __always_inline __u32 ctx_l4_check_off(const struct sl_packet *pkt)
{
	return pkt->l4_off + (SL_PROTO(pkt) == IPPROTO_TCP ? offsetof(struct tcphdr, check)
							   : offsetof(struct udphdr, check));
}

static __always_inline __u64 sl_pseudo_sum(const struct sl_packet *pkt, __u32 l4_len)
{
	__u64 sum = bpf_htons(SL_PROTO(pkt)) + (__u64)bpf_htonl(l4_len);

	if (pkt->family == AF_INET)
		return sum + pkt->k4.saddr + pkt->k4.daddr;
#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u64)pkt->k6.saddr.w[i] + pkt->k6.daddr.w[i];
	return sum;
}

/*
 * Completes a partial checksum. To be called before anything is rewritten, so that a frame it
 * can't do is still as it came. 0, or a negative errno.
 */
static __always_inline int ctx_l4_csum_complete(struct xdp_md *ctx, const struct sl_packet *pkt)
{
	__u8 proto = SL_PROTO(pkt);
	__u32 l4_len = pkt->l3_len - (pkt->l4_off - pkt->l3_off);
	__u32 off = ctx_l4_check_off(pkt) & SL_L4_OFF_MASK;
	__u16 *check = ctx_data(ctx) + off;
	int sum;

	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return 0;
	if ((void *)(check + 1) > ctx_data_end(ctx))
		return -1;
	if (likely(*check != sl_csum_fold(sl_pseudo_sum(pkt, l4_len))))
		return 0;
	if (proto == IPPROTO_UDP && !*check)
		return 0; /* the sender chose to have none: RFC 768 */
	sum = sl_csum_frame(ctx, pkt->l4_off, l4_len);
	check = ctx_data(ctx) + off;
	if (sum < 0 || (void *)(check + 1) > ctx_data_end(ctx))
		return -1;
	*check = ~sum;
	if (proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
	return 0;
}

/* See ctx/skb.h; here the checksum is complete by now. */
static __always_inline int ctx_l4_csum_replace(struct xdp_md *ctx, __u32 off, __u32 addr_diff,
					       __u32 port_diff, bool udp)
{
	__u16 *check = ctx_data(ctx) + (off & SL_L4_OFF_MASK);

	if ((void *)(check + 1) > ctx_data_end(ctx))
		return -1;
	if (udp && !*check)
		return 0;
	*check = sl_csum_update(*check, (__u64)addr_diff + port_diff);
	if (udp && !*check)
		*check = 0xffff; /* RFC 768: 0 would mean "none" */
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
