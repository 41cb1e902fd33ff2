/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This reads the Ethernet header and the outer tag of a frame, as the switch goes by them. */
#ifndef SLUICE_BPF_LIB_L2_H
#define SLUICE_BPF_LIB_L2_H

#include "lib/parse.h"

/* A tag is one number here: TPID << 16 | TCI, host order. 0: there is none. */
#define SL_TAG(tpid, tci) ((__u32)(tpid) << 16 | (tci))
#define SL_TAG_TPID(tag)  ((tag) >> 16)
#define SL_TAG_PRI(tag)	  ((tag) >> 12 & 0xf) /* PCP << 1 | DEI */
#define SL_TAG_VID(tag)	  ((tag) & VLAN_VID_MASK)

/* What the switch knows of a frame. MACs are numbers, the first byte the lowest. */
struct sl_l2 {
	__u64 dst, src;
	__u64 dst_hash; /* of the MAC table: lib/fdb.h */
	__u32 tag;	/* that the switch has to do with, as the frame has it now */
	__u32 len;   /* behind that tag, and behind another one: devices do not count it either */
	__u16 off;   /* of what is behind `tag`, when it was read */
	__be16 type; /* of what is behind `tag` */
	__u16 vid;   /* the VLAN it is in */
	__u8 pri;    /* see SL_TAG_PRI */
	__u8 kind;   /* enum sl_storm_kind, of what is flooded */
	bool inner;  /* behind `tag` comes another one */
	bool bpdu;   /* goes to ports that let BPDUs pass, alone */
};

static __always_inline bool sl_is_tpid(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD);
}

/* Begins *l2 with the Ethernet header and the outer tag. Returns 0, or -1 if they are cut. */
static __always_inline int sl_l2_read(struct sl_ctx *ctx, struct sl_l2 *l2)
{
	struct ethhdr *eth = ctx_data(ctx);
	struct sl_vlan_tag *tag = (void *)(eth + 1);
	void *end = ctx_data_end(ctx);

	*l2 = (struct sl_l2){};
	if ((void *)(eth + 1) > end)
		return -1;
	l2->dst = sl_eth_dest(eth);
	l2->src = sl_eth_source(eth);
	l2->tag = ctx_vlan_beside(ctx);
	l2->type = sl_ethertype(eth);
	l2->off = sizeof(*eth);
	if (!l2->tag && sl_is_tpid(l2->type)) {
		if ((void *)(tag + 1) > end)
			return -1;
		l2->tag = SL_TAG(bpf_ntohs(l2->type), bpf_ntohs(tag->tci));
		l2->type = tag->next_proto;
		l2->off += sizeof(*tag);
	}
	l2->inner = sl_is_tpid(l2->type);
	l2->len = ctx_len(ctx) - l2->off;
	if (l2->inner && l2->len >= VLAN_HLEN)
		l2->len -= VLAN_HLEN;
	return 0;
}

#endif
