/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What enters gets its DSCP here, and the 802.1Q priority by it (TC). */
#ifndef SLUICE_BPF_QOS_REMARK_H
#define SLUICE_BPF_QOS_REMARK_H

#include "lib/dscp.h"
#include "lib/parse.h"
#include "maps/maps.h"
#include "qos/police.h"
#include "lib/l2.h"

/* Finds the IP header, behind up to two tags. 0: it is no IP packet. */
static __always_inline __u32 sl_find_ip(struct __sk_buff *ctx, __be16 *type)
{
	struct ethhdr *eth = ctx_data(ctx);
	__u32 off = sizeof(*eth);

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return 0;
	*type = sl_ethertype(eth);
#pragma unroll
	for (int i = 0; i < SL_VLAN_TAGS; i++) {
		struct sl_vlan_tag *tag = ctx_data(ctx) + off;

		if (!sl_is_tpid(*type))
			break;
		if ((void *)(tag + 1) > ctx_data_end(ctx))
			return 0;
		*type = tag->next_proto;
		off += sizeof(*tag);
	}
	return *type == bpf_htons(ETH_P_IP) || *type == bpf_htons(ETH_P_IPV6) ? off : 0;
}

/* Gives the IP packet at `off` this DSCP; a NIC may have summed the whole frame. */
static __always_inline void sl_set_dscp(struct __sk_buff *ctx, __u32 off, bool v4, __u8 dscp)
{
	struct iphdr *ip = ctx_data(ctx) + (off & SL_L3_OFF_MASK);
	__be16 word;

	if ((void *)(ip + 1) > ctx_data_end(ctx))
		return;
	if (v4) {
		sl_write_dscp(ip, true, dscp);
		return;
	}
	word = bpf_htons(sl_with_dscp(bpf_ntohs(*(__be16 *)ip), false, dscp));
	if (word != *(__be16 *)ip)
		bpf_skb_store_bytes(ctx, off, &word, sizeof(word), BPF_F_RECOMPUTE_CSUM);
}

/*
 * Gives what enters by a port with SL_QOS_REMARK the DSCP that it is to have. Returns the 802.1Q
 * priority that goes with it, or SL_PCP_KEEP.
 * @param pcp the one it came with; SL_PCP_KEEP without a tag
 */
static __noinline __u32 sl_remark(struct __sk_buff *ctx, __u32 port, __u32 pcp)
{
	const struct sl_qos *qos = sl_qos_of(port);
	__u32 off, dscp;
	__be16 type = 0;
	__be16 *word;
	bool v4;

	off = sl_find_ip(ctx, &type) & SL_L3_OFF_MASK;
	word = ctx_data(ctx) + off;
	if (!qos || !off || (void *)(word + 1) > ctx_data_end(ctx))
		return SL_PCP_KEEP;
	v4 = type == bpf_htons(ETH_P_IP);
	dscp = sl_dscp_in(bpf_ntohs(*word), v4);
	if (qos->dscp != SL_DSCP_KEEP)
		dscp = qos->dscp;
	else if (qos->dscp_rules && pcp < SL_PCPS && qos->dscps[pcp] != SL_DSCP_KEEP)
		dscp = qos->dscps[pcp];
	sl_set_dscp(ctx, off, v4, dscp);
	return qos->pcp_rules ? qos->pcp[dscp & (SL_DSCPS - 1)] : SL_PCP_KEEP;
}

#endif
