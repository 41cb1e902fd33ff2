/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This is the context vocabulary on TC: see ctx/common.h. */
#ifndef SLUICE_BPF_CTX_SKB_H
#define SLUICE_BPF_CTX_SKB_H

#define sl_ctx __sk_buff

#include "ctx/common.h"
#include "lib/l4csum.h"
#include "lib/packet.h"
#include "sluice/abi/qos.h"

static __always_inline void *ctx_data(const struct sl_ctx *ctx)
{
	return ctx_pointer(ctx, offsetof(struct sl_ctx, data));
}

static __always_inline void *ctx_data_end(const struct sl_ctx *ctx)
{
	return ctx_pointer(ctx, offsetof(struct sl_ctx, data_end));
}

static __always_inline __u32 ctx_len(const struct sl_ctx *ctx)
{
	return ctx->len;
}

static __always_inline __u32 ctx_ifindex(const struct sl_ctx *ctx)
{
	return ctx->ifindex;
}

static __always_inline bool ctx_is_gso(const struct sl_ctx *ctx)
{
	return ctx->gso_size;
}

/* Tells how much payload each segment of a GSO frame has. */
static __always_inline __u32 ctx_gso_size(const struct sl_ctx *ctx)
{
	return ctx->gso_size;
}

/* Counts the tags that the driver or the kernel took out of the frame into the skb. */
static __always_inline __u8 ctx_vlan_offloaded(const struct sl_ctx *ctx)
{
	return ctx->vlan_present ? 1 : 0;
}

static __always_inline __u16 ctx_vlan_vid(const struct sl_ctx *ctx)
{
	return ctx->vlan_present ? ctx->vlan_tci & VLAN_VID_MASK : 0;
}

/* Makes one number of that tag (lib/l2.h); 0: there is none. */
static __always_inline __u32 ctx_vlan_beside(const struct sl_ctx *ctx)
{
	return ctx->vlan_present ? bpf_ntohs(ctx->vlan_proto) << 16 | ctx->vlan_tci : 0;
}

static __always_inline void ctx_vlan_tag(const struct sl_ctx *ctx, __u8 *bytes)
{
	__be16 tag[2] = {ctx->vlan_proto, bpf_htons(ctx->vlan_tci)};

	__builtin_memcpy(bytes, tag, sizeof(tag));
}

static __always_inline bool ctx_is_last(void)
{
	return true;
}

static __always_inline int ctx_load_bytes(struct sl_ctx *ctx, __u32 off, void *to, __u32 len)
{
	return bpf_skb_load_bytes(ctx, off, to, len);
}

static __always_inline int ctx_make_linear(struct sl_ctx *ctx, __u32 want)
{
	__u32 have = ctx->data_end - ctx->data;

	if (likely(have >= want || have == ctx->len))
		return 0;
	return bpf_skb_pull_data(ctx, want < ctx->len ? want : ctx->len);
}

/* Tells the L3 length of the longest frame that leaves; the headers repeat in each segment. */
static __always_inline __u32 ctx_segment_len(const struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	if (!ctx->gso_size)
		return pkt->l3_len;
	return pkt->l4_off - pkt->l3_off + pkt->l4_hlen + ctx->gso_size;
}

/*
 * Mends the checksum in this field of the L4 header at l4, which can be read as far as that. A
 * checksum that can't be partial is mended in place, which saves two calls; else the kernel knows
 * whether it is partial and does the right thing.
 * @param addr_diff what the change of addresses adds to its sum: the pseudo-header's part
 * @param port_diff what the rest of the change adds
 */
static __always_inline int ctx_l4_csum_replace(struct sl_ctx *ctx, const struct sl_packet *pkt,
					       void *l4, __u32 field, __u64 addr_diff,
					       __u64 port_diff)
{
	bool udp = pkt->proto == IPPROTO_UDP;
	__u64 flags = udp ? BPF_F_MARK_MANGLED_0 : 0;
	__u32 off = pkt->l4_off + field;
	__u16 *check = l4 + field;
	int err = 0;

	if (likely(!pkt->gso && !sl_check_looks_partial(pkt, *check))) {
		if (udp && !*check)
			return 0;
		sl_check_replace(check, addr_diff + port_diff, udp);
		/* The frame's sum, if a NIC delivered one: the addresses cancel out in the IP
		 * header. */
		if (addr_diff)
			bpf_csum_update(ctx, ~sl_csum_fold64(addr_diff));
		return 0;
	}
	if (addr_diff)
		err = bpf_l4_csum_replace(ctx, off, 0, sl_csum_fold64(addr_diff),
					  flags | BPF_F_PSEUDO_HDR);
	if (!err && port_diff)
		err = bpf_l4_csum_replace(ctx, off, 0, sl_csum_fold64(port_diff), flags);
	return err;
}

/*
 * Stores the hop limit. No checksum covers it, but that of a NIC which sums the whole frame
 * (CHECKSUM_COMPLETE).
 */
static __always_inline int ctx_store_hop_limit(struct sl_ctx *ctx, __u32 off, __u8 value)
{
	return bpf_skb_store_bytes(ctx, off, &value, sizeof(value), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ctx_fib_lookup(struct sl_ctx *ctx, struct bpf_fib_lookup *fib,
					  __u32 flags)
{
	return bpf_fib_lookup(ctx, fib, sizeof(*fib), flags);
}

/*
 * Is this the bridge's MAC by now? A bridge takes over the lowest of its ports', so it changes when
 * a VM starts. The kernel tells it with the way to a neighbour there, which the sender is: it has
 * asked for that MAC. Global: the verifier looks once.
 */
__noinline int sl_is_mac_of_bridge(struct __sk_buff *ctx, __u32 bridge)
{
	struct bpf_fib_lookup fib = {.ifindex = bridge, .tot_len = SL_FIB_PROBE_LEN};
	__u8 dest[ETH_ALEN];
	int err;

	if (ctx->protocol == bpf_htons(ETH_P_IP)) {
		fib.family = AF_INET;
		err = bpf_skb_load_bytes(ctx, ETH_HLEN + offsetof(struct iphdr, saddr),
					 &fib.ipv4_dst, sizeof(fib.ipv4_dst));
	} else if (ctx->protocol == bpf_htons(ETH_P_IPV6)) {
		fib.family = AF_INET6;
		err = bpf_skb_load_bytes(ctx, ETH_HLEN + offsetof(struct ipv6hdr, saddr),
					 fib.ipv6_dst, sizeof(fib.ipv6_dst));
	} else {
		return false;
	}
	if (err || bpf_skb_load_bytes(ctx, 0, dest, sizeof(dest)))
		return false;
	err = ctx_fib_lookup(ctx, &fib, BPF_FIB_LOOKUP_OUTPUT);
	return err == BPF_FIB_LKUP_RET_SUCCESS && fib.ifindex == bridge &&
	       !__builtin_memcmp(fib.smac, dest, sizeof(dest));
}

/*
 * Does the kernel take the frame's destination for its own? pkt_type tells of the interface's own
 * MAC, as it is now.
 */
static __always_inline bool ctx_host_takes(struct sl_ctx *ctx, __u32 l3_ifindex)
{
	if (ctx->pkt_type == PACKET_HOST)
		return true;
	return ctx->pkt_type == PACKET_OTHERHOST && l3_ifindex != ctx->ifindex &&
	       sl_is_mac_of_bridge(ctx, l3_ifindex);
}

/*
 * These say to the egress program of the target port that sluice sent the frame, and it clears them
 * again. PORT: the frame was sent to this port, and is counted by now. SEGMENT: it was sent into
 * the segment behind which the port is, and the port counts it. SWITCHED: the same, at layer 2 and
 * from another port of the segment.
 */
#define SL_TC_INDEX_PORT     0x51ce
#define SL_TC_INDEX_SEGMENT  0x51cf
#define SL_TC_INDEX_SWITCHED 0x51d0

/*
 * Clears a mark that came with the frame: it is another instance's, and would be taken for ours on
 * egress.
 */
static __always_inline void ctx_clear_mark(struct sl_ctx *ctx)
{
	if (unlikely(ctx->tc_index - SL_TC_INDEX_PORT <= SL_TC_INDEX_SWITCHED - SL_TC_INDEX_PORT))
		ctx->tc_index = 0;
}

/* Marks a frame that is switched. What the router sent into a VLAN keeps the mark that says so. */
static __always_inline void ctx_mark_switched(struct sl_ctx *ctx)
{
	if (ctx->tc_index != SL_TC_INDEX_SEGMENT)
		ctx->tc_index = SL_TC_INDEX_SWITCHED;
}

/*
 * Tells the port that the frame is counted at before it is sent; 0: its egress program counts it.
 */
static __always_inline __u32 ctx_counted_port(const struct sl_hop *hop)
{
	return unlikely(hop->qos & SL_QOS_EGRESS) ? 0 : hop->port;
}

static __always_inline int ctx_redirect(struct sl_ctx *ctx, const struct sl_hop *hop)
{
	struct bpf_redir_neigh nh = {.nh_family = hop->gateway_family};

	ctx->tc_index = ctx_counted_port(hop) ? SL_TC_INDEX_PORT : SL_TC_INDEX_SEGMENT;
	if (likely(!hop->neigh))
		return bpf_redirect(hop->ifindex, 0);
	if (nh.nh_family == AF_INET)
		nh.ipv4_nh = hop->gateway.w[0];
	else
		__builtin_memcpy(nh.ipv6_nh, &hop->gateway, sizeof(nh.ipv6_nh));
	return bpf_redirect_neigh(hop->ifindex, &nh, sizeof(nh), 0);
}

#endif
