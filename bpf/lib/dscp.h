/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This reads and writes the DSCP (RFC 2474) in an IP header of either version. */
#ifndef SLUICE_BPF_LIB_DSCP_H
#define SLUICE_BPF_LIB_DSCP_H

#include <bpf/bpf_endian.h>
#include <linux/ip.h>

#include "lib/csum.h"

#define SL_ECN_MASK 0x03

/* Makes the first two bytes of an IP header with this DSCP; the ECN bits stay. */
static __always_inline __u16 sl_with_dscp(__u16 word, bool v4, __u8 dscp)
{
	__u32 shift = v4 ? 2 : 6;

	return (word & ~(0x3fu << shift)) | (__u32)dscp << shift;
}

static __always_inline __u8 sl_dscp_in(__u16 word, bool v4)
{
	return word >> (v4 ? 2 : 6) & 0x3f;
}

/*
 * Writes the DSCP. The sum over an IPv4 header stays what it is, so that only IPv6 changes that of
 * the frame.
 */
static __always_inline void sl_write_dscp(struct iphdr *ip, bool v4, __u8 dscp)
{
	__be16 old = *(__be16 *)ip;
	__be16 new = bpf_htons(sl_with_dscp(bpf_ntohs(old), v4, dscp));

	if (new == old)
		return;
	*(__be16 *)ip = new;
	if (v4)
		ip->check = sl_csum_update(ip->check, sl_csum_diff16(old, new, 0, 0));
}

#endif
