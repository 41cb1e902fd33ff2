/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This mends TCP and UDP checksums in the packet. A frame whose checksum a local sender left to a
 * device (CHECKSUM_PARTIAL) holds just the folded sum of the pseudo-header in the field; neither
 * hook is told, but both can see it. A complete checksum that happens to look so, 1 in 65536, must
 * be treated right as well.
 */
#ifndef SLUICE_BPF_LIB_L4CSUM_H
#define SLUICE_BPF_LIB_L4CSUM_H

#include "lib/csum.h"
#include "lib/packet.h"

static __always_inline __u32 sl_l4_len(const struct sl_packet *pkt)
{
	return pkt->l3_len - (pkt->l4_off - pkt->l3_off);
}

/*
 * Sums the pseudo-header of the packet as it came: RFC 768, RFC 9293 section 3.1, RFC 8200 section
 * 8.1.
 */
static __always_inline __u64 sl_pseudo_sum(const struct sl_packet *pkt)
{
	__u64 sum = bpf_htons(pkt->proto) + (__u64)bpf_htonl(sl_l4_len(pkt));

	if (pkt->family == AF_INET)
		return sum + pkt->k4.saddr + pkt->k4.daddr;
#pragma unroll
	for (int i = 0; i < 4; i++)
		sum += (__u64)pkt->k6.saddr.w[i] + pkt->k6.daddr.w[i];
	return sum;
}

static __always_inline bool sl_check_looks_partial(const struct sl_packet *pkt, __u16 check)
{
	return sl_csum_folds_to(sl_pseudo_sum(pkt), check);
}

/* Mends a complete checksum after what it covers changed by diff. UDP: 0 means none (RFC 768). */
static __always_inline void sl_check_replace(__u16 *check, __u64 diff, bool udp)
{
	if (udp && !*check)
		return;
	*check = sl_csum_update(*check, diff);
	if (udp && !*check)
		*check = 0xffff;
}

#endif
