/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard judges IPv6 neighbour discovery (RFC 4861): nobody announces another's address, or his
 * own with another's MAC. Router advertisements and redirects, ICMP's of IPv4 too, are a switch of
 * their own.
 */
#ifndef SLUICE_BPF_GUARD_ND_H
#define SLUICE_BPF_GUARD_ND_H

#include "lib/parse.h"
#include "guard/own.h"

/* RFC 4861 section 4 has these; linux/icmpv6.h does not export them. */
enum sl_nd_type {
	SL_ND_ROUTER_SOLICIT = 133,
	SL_ND_ROUTER_ADVERT = 134,
	SL_ND_NEIGHBOUR_SOLICIT = 135,
	SL_ND_NEIGHBOUR_ADVERT = 136,
	SL_ND_REDIRECT = 137,
};

#define SL_ND_TARGET	       8 /* offset in a neighbour message */
#define SL_ND_SOURCE_LINK_ADDR 1 /* options: RFC 4861 section 4.6 */
#define SL_ND_TARGET_LINK_ADDR 2
#define SL_ND_OPTIONS	       16 /* most that are looked at; a packet with more is refused */

#define SL_ICMP_ROUTER_ADVERT 9 /* RFC 1256; linux/icmp.h does not export it */

struct sl_nd_option {
	__u8 type, len; /* len in units of 8 bytes */
	__u8 mac[ETH_ALEN];
};

static __always_inline bool sl_is_nd(__u8 type)
{
	return type >= SL_ND_ROUTER_SOLICIT && type <= SL_ND_REDIRECT;
}

/* Does it say where the network's router is? That is the host's affair. */
static __always_inline bool sl_is_router_message(const struct sl_packet *pkt)
{
	if (pkt->family == AF_INET)
		return pkt->icmp_type == ICMP_REDIRECT || pkt->icmp_type == SL_ICMP_ROUTER_ADVERT;
	return pkt->icmp_type == SL_ND_ROUTER_ADVERT || pkt->icmp_type == SL_ND_REDIRECT;
}

/* Tells where the options of a message begin. */
static __always_inline __u32 sl_nd_options_at(__u8 type)
{
	switch (type) {
	case SL_ND_ROUTER_SOLICIT:
		return 8;
	case SL_ND_ROUTER_ADVERT:
		return 16;
	case SL_ND_REDIRECT:
		return 40;
	default:
		return SL_ND_TARGET + sizeof(union sl_addr);
	}
}

/* Does the packet have to own the target it names? Else it only asks for it. */
static __always_inline bool sl_nd_claims_target(const struct sl_packet *pkt)
{
	const union sl_addr *from = &pkt->k6.saddr;
	bool unspecified = !(from->w[0] | from->w[1] | from->w[2] | from->w[3]);

	return pkt->icmp_type == SL_ND_NEIGHBOUR_ADVERT ||
	       (pkt->icmp_type == SL_ND_NEIGHBOUR_SOLICIT && unspecified);
}

/* Are the link-layer addresses that the message tells the port's own? */
static __always_inline bool sl_nd_options_own(struct sl_ctx *ctx, const struct sl_port *port,
					      const struct sl_guard *guard,
					      const struct sl_packet *pkt)
{
	__u32 off = pkt->l4_off + sl_nd_options_at(pkt->icmp_type);
	__u32 end = pkt->l3_off + pkt->l3_len;
	struct sl_nd_option option;

	for (int i = 0; i < SL_ND_OPTIONS; i++) {
		if (off == end)
			return true;
		if (off + sizeof(option) > end ||
		    ctx_load_bytes(ctx, off, &option, sizeof(option)) || !option.len)
			return false;
		if ((option.type == SL_ND_SOURCE_LINK_ADDR ||
		     option.type == SL_ND_TARGET_LINK_ADDR) &&
		    (option.len != 1 || !sl_guard_own_mac(port, guard, sl_mac_number(option.mac))))
			return false;
		off += option.len * 8;
	}
	return off == end;
}

/* Judges a message of neighbour discovery. Returns the reason against it, if there is one. */
__noinline enum sl_drop sl_guard_nd(struct sl_ctx *ctx, const struct sl_port *port,
				    const struct sl_guard *guard, const struct sl_packet *pkt)
{
	union sl_addr target;

	if (!port || !guard || !pkt || pkt->fragment != SL_FRAG_NONE) /* RFC 6980 */
		return SL_DROP_GUARD_ND;
	if (sl_nd_claims_target(pkt) &&
	    (!sl_in_packet(pkt, pkt->l4_off + SL_ND_TARGET, sizeof(target)) ||
	     ctx_load_bytes(ctx, pkt->l4_off + SL_ND_TARGET, &target, sizeof(target)) ||
	     !sl_guard_own_addr6(port, guard, &target)))
		return SL_DROP_GUARD_ND;
	/* A redirect names the MAC of the router it redirects to. */
	if (pkt->icmp_type != SL_ND_REDIRECT && !sl_nd_options_own(ctx, port, guard, pkt))
		return SL_DROP_GUARD_ND;
	return SL_DROP_NONE;
}

#endif
