/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A priority tag, with VID 0, says how urgent a frame is, and puts it into no VLAN (IEEE
 * 802.1Q-2022 sections 6.9 and 9.6). The kernel takes such tags off, one after the other from the
 * outside, whatever their TPID, until one has a VID or none is left. So does the router (TC).
 */
#ifndef SLUICE_BPF_ROUTE_UNTAG_H
#define SLUICE_BPF_ROUTE_UNTAG_H

#include "lib/packet.h"
#include "lib/parse.h"
#include "lib/verdict.h"

/*
 * Takes the tags off a frame that has none but priority tags, and says so in *pkt. Where another
 * tag is among them, an interface of the kernel's may be meant. Returns 0, or a negative errno.
 * Global: the verifier looks once.
 */
__noinline int sl_untag(struct __sk_buff *ctx, struct sl_packet *pkt)
{
	if (!pkt)
		return -1;
	for (int i = 0; i < SL_VLAN_TAGS + 1; i++) /* one more may be beside the frame */
		if (i < pkt->vlan_tags && bpf_skb_vlan_pop(ctx))
			return -1;
	pkt->l4_off -= pkt->l3_off - ETH_HLEN; /* tags beside the frame are before no header */
	pkt->l3_off = ETH_HLEN;
	pkt->vlan_tags = pkt->priority_tags = 0;
	return 0;
}

#endif
