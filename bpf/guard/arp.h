/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard judges ARP (RFC 826, RFC 5227) and RARP (RFC 903): nobody speaks for another's MAC or
 * address.
 */
#ifndef SLUICE_BPF_GUARD_ARP_H
#define SLUICE_BPF_GUARD_ARP_H

#include "guard/dhcp.h"
#include "guard/own.h"

struct sl_arp { /* of Ethernet and IPv4 */
	__be16 hardware, protocol;
	__u8 hardware_len, protocol_len;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
};
SL_STATIC_ASSERT(sizeof(struct sl_arp) == 28, "RFC 826: 28 bytes");

static __always_inline bool sl_arp_is_ethernet_ip(const struct sl_arp *arp)
{
	return arp->hardware == bpf_htons(1) && arp->protocol == bpf_htons(ETH_P_IP) &&
	       arp->hardware_len == ETH_ALEN && arp->protocol_len == 4;
}

static __always_inline __be32 sl_arp_address(const __u8 *bytes)
{
	__be32 v4;

	__builtin_memcpy(&v4, bytes, sizeof(v4));
	return v4;
}

/* May the port claim the address? 0.0.0.0 claims nothing: QEMU's announcement has it. */
static __always_inline bool sl_arp_may_claim(const struct sl_port *port,
					     const struct sl_guard *guard, const __u8 *bytes)
{
	__be32 v4 = sl_arp_address(bytes);
	union sl_addr addr = sl_mapped(v4);

	return !v4 || sl_guard_own_addr(port, guard, &addr);
}

/*
 * May the port probe for the target? A probe, whose sender is 0.0.0.0, claims its target: for
 * whoever is about to use that address it is a conflict (RFC 5227 section 2.1.1). A client may
 * probe for what a server offers it.
 */
static __always_inline bool sl_arp_may_probe(const struct sl_port *port,
					     const struct sl_guard *guard, const struct sl_arp *arp)
{
	if (sl_arp_address(arp->sender) || sl_arp_may_claim(port, guard, arp->target))
		return true;
	return (guard->checks & SL_GUARD_SNOOP) &&
	       sl_dhcp_offered(port, sl_arp_address(arp->target));
}

/*
 * Judges an ARP packet whose Ethernet source is `mac`. Returns the reason against it, if there is
 * one.
 */
__noinline enum sl_drop sl_guard_arp(struct sl_ctx *ctx, const struct sl_port *port,
				     const struct sl_guard *guard, const struct sl_packet *pkt,
				     __u64 mac)
{
	struct sl_arp arp;

	if (!port || !guard || !pkt || ctx_load_bytes(ctx, pkt->l3_off, &arp, sizeof(arp)))
		return SL_DROP_GUARD_ARP;
	if (!sl_arp_is_ethernet_ip(&arp) || sl_mac_number(arp.sender_mac) != mac ||
	    !sl_arp_may_claim(port, guard, arp.sender) || !sl_arp_may_probe(port, guard, &arp))
		return SL_DROP_GUARD_ARP;
	/* RARP asks on behalf of the target: sluice's VMs ask for themselves. */
	if (pkt->ethertype == bpf_htons(ETH_P_RARP) &&
	    (sl_mac_number(arp.target_mac) != mac || !sl_arp_may_claim(port, guard, arp.target)))
		return SL_DROP_GUARD_ARP;
	return SL_DROP_NONE;
}

#endif
