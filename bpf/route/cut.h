/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A translated IPv4 packet is cut here into fragments that fit the way out (RFC 791 section 3.2;
 * RFC 4787 REQ-13): the kernel, which cuts what is only routed, must not get it. A BPF program
 * can't make frames, but send copies of the one it has: the whole packet is put aside, and the
 * frame becomes one fragment after the other. All but the last are sent as copies, in order.
 */
#ifndef SLUICE_BPF_ROUTE_CUT_H
#define SLUICE_BPF_ROUTE_CUT_H

#include "lib/l4csum.h"
#include "lib/parse.h"
#include "flow/flow.h"
#include "route/leave.h"
#include "route/nexthop.h"
#include "maps/work.h"

#define SL_CUT_PIECES ((SL_CUT_MOST + 1) / (SL_CUT_MTU_LEAST - sizeof(struct iphdr)) + 1)
#define SL_CUT_SUM    512 /* bytes that are summed at once */
#define SL_CUT_SUMS   ((SL_CUT_MOST + 1) / SL_CUT_SUM)

static __always_inline struct sl_cut *sl_cut_now(void)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);

	return work ? &work->cut : NULL;
}

/* Sums one part of the rest. */
static long sl_cut_sum_step(__u32 i, void *unused)
{
	struct sl_cut *cut = sl_cut_now();
	__u32 at = i * SL_CUT_SUM, bytes;

	if (!cut || at >= cut->length)
		return 1;
	bytes = cut->length - at;
	if (bytes > SL_CUT_SUM)
		bytes = SL_CUT_SUM;
	bytes = (bytes + 3) & ~3u;
	barrier_var(bytes);
	if (bytes > SL_CUT_SUM)
		return 1;
	barrier_var(at);
	cut->sum = bpf_csum_diff(NULL, 0, (void *)(cut->rest + (at & SL_CUT_MOST)), bytes,
				 (__u32)cut->sum);
	return 0;
}

/*
 * Completes a checksum that was left to a device. That has to be done before the packet is cut: the
 * device would sum a fragment.
 */
static __always_inline void sl_cut_complete(struct sl_cut *cut, const struct sl_packet *pkt)
{
	const struct iphdr *ip = (void *)(cut->heads + ETH_HLEN);
	__u16 *check;
	__u64 sum;

	if (pkt->fragment != SL_FRAG_NONE)
		return;
	if (pkt->proto == IPPROTO_UDP)
		check = (void *)(cut->rest + offsetof(struct udphdr, check));
	else if (pkt->proto == IPPROTO_TCP)
		check = (void *)(cut->rest + offsetof(struct tcphdr, check));
	else
		return;
	sum = (__u64) * (__be32 *)((void *)ip + offsetof(struct iphdr, saddr)) +
	      *(__be32 *)((void *)ip + offsetof(struct iphdr, daddr)) + bpf_htons(pkt->proto) +
	      bpf_htons(cut->length);
	if (!sl_csum_folds_to(sum, *check))
		return;
	cut->sum = 0;
	bpf_loop(SL_CUT_SUMS, sl_cut_sum_step, NULL, 0);
	*check = ~sl_csum_fold((__u32)cut->sum);
	if (pkt->proto == IPPROTO_UDP && !*check)
		*check = 0xffff;
}

/* Puts the packet aside, complete. Returns 0, or a negative errno. */
static __always_inline int sl_cut_begin(struct __sk_buff *ctx, struct sl_cut *cut,
					const struct sl_packet *pkt, const struct sl_hop *hop)
{
	__u32 length = pkt->l3_len - sizeof(struct iphdr);

	cut->length = length;
	cut->next = 0;
	cut->done = false;
	cut->piece = (hop->mtu - sizeof(struct iphdr)) & ~7u;
	if (cut->piece > SL_CUT_PIECE)
		cut->piece = SL_CUT_PIECE;
	length--;
	barrier_var(length);
	length = (length & SL_CUT_MOST) + 1; /* never 0: Linux 6.1 does not see it otherwise */
	if (bpf_skb_load_bytes(ctx, 0, cut->heads, SL_CUT_HEADS) ||
	    bpf_skb_load_bytes(ctx, SL_CUT_HEADS, cut->rest, length))
		return -1;
	__builtin_memset(cut->rest + (length & SL_CUT_MOST), 0, 4); /* it is summed by words */
	sl_cut_complete(cut, pkt);
	return 0;
}

/*
 * Makes the kernel forget what it knows of the frame's checksum: that a device was to complete it,
 * or what a NIC has summed. It forgets the former when the place of the checksum is cut off (two
 * steps, since before Linux 6.2 it looks before it cuts), the latter when a frame grows.
 */
static __always_inline int sl_cut_forget(struct __sk_buff *ctx, __u32 piece)
{
	if (bpf_skb_change_tail(ctx, SL_CUT_HEADS + piece, 0) ||
	    bpf_skb_adjust_room(ctx, -40, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_adjust_room(ctx, -8, BPF_ADJ_ROOM_MAC, 0) ||
	    bpf_skb_adjust_room(ctx, 48, BPF_ADJ_ROOM_MAC, 0))
		return -1;
	return bpf_skb_change_tail(ctx, SL_CUT_HEADS + piece + 8, 0);
}

/* Makes the frame the next fragment, of `bytes` bytes. Returns 0, or a negative errno. */
static __always_inline int sl_cut_make(struct __sk_buff *ctx, struct sl_cut *cut, __u32 bytes)
{
	__u32 at = cut->next & SL_CUT_MOST;
	__u8 heads[SL_CUT_HEADS + 2] __attribute__((aligned(8)));
	struct iphdr *ip = (void *)(heads + ETH_HLEN);
	__u16 place;

	if (bpf_skb_change_tail(ctx, SL_CUT_HEADS + bytes, 0))
		return -1;
	__builtin_memcpy(heads, cut->heads, SL_CUT_HEADS);
	place = bpf_ntohs(ip->frag_off) + at / 8;
	if (at + bytes < cut->length)
		place |= SL_IP_MF;
	ip->frag_off = bpf_htons(place);
	ip->tot_len = bpf_htons(sizeof(*ip) + bytes);
	ip->check = 0;
	ip->check = ~sl_csum_fold(bpf_csum_diff(NULL, 0, (void *)ip, sizeof(*ip), 0));
	if (bpf_skb_store_bytes(ctx, 0, heads, SL_CUT_HEADS, BPF_F_INVALIDATE_HASH))
		return -1;
	barrier_var(at);
	at &= SL_CUT_MOST;
	bytes--;
	barrier_var(bytes);
	bytes = (bytes & SL_CUT_MOST) + 1;
	if (bytes > SL_CUT_PIECE)
		return -1;
	return bpf_skb_store_bytes(ctx, SL_CUT_HEADS, cut->rest + at, bytes, 0);
}

static long sl_cut_step(__u32 unused, struct __sk_buff **frame)
{
	struct __sk_buff *ctx = *frame;
	struct sl_cut *cut = sl_cut_now();
	__u32 left, bytes;

	if (!cut)
		return 1;
	left = cut->length - cut->next;
	bytes = left < cut->piece ? left : cut->piece;
	if (sl_cut_make(ctx, cut, bytes))
		return 1;
	if (bytes == left) {
		cut->done = true;
		return 1;
	}
	if (cut->ifindex)
		bpf_clone_redirect(ctx, cut->ifindex, 0);
	cut->next += bytes;
	return 0;
}

/*
 * May copies of the frame, which is ready, be sent by work->hop, past the kernel's neighbour code?
 * They may not while the neighbour is not resolved.
 */
static __always_inline bool sl_copies_may_go(struct __sk_buff *ctx, const struct sl_port *port,
					     struct sl_work *work)
{
	struct sl_flow *flow;

	if (!work->hop.neigh)
		return true;
	flow = sl_flow_find(&work->pkt);
	return flow && sl_nexthop_ask(ctx, port, &work->pkt, flow, &work->hop) == SL_WAY_KNOWN;
}

/*
 * Cuts work->pkt up, which is translated and ready to leave by work->hop but for its size: sends
 * all of its fragments but the last, which the egress program of the port counts. To a neighbour
 * that is not resolved the last fragment goes alone: the kernel asks for the neighbour then, so
 * that the next packet finds it. Global: the verifier looks once.
 * SL_FORWARD: the frame is the last fragment. SL_DROP: pkt->reason says why not.
 */
__noinline enum sl_verdict sl_cut(struct __sk_buff *ctx, const struct sl_port *port)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_cut *cut;

	if (!work || !port)
		return SL_DROP;
	cut = &work->cut;
	cut->ifindex = work->hop.ifindex;
	if (!sl_copies_may_go(ctx, port, work))
		cut->ifindex = 0;
	if (sl_cut_begin(ctx, cut, &work->pkt, &work->hop) || sl_cut_forget(ctx, cut->piece))
		return sl_refuse(&work->pkt, SL_DROP_REWRITE_FAILED);
	ctx->tc_index = SL_TC_INDEX_SEGMENT;
	bpf_loop(SL_CUT_PIECES, sl_cut_step, &ctx, 0);
	return cut->done ? SL_FORWARD : sl_refuse(&work->pkt, SL_DROP_REWRITE_FAILED);
}

#endif
