/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard is the first stage at ingress. Nearly every frame is plain, that is TCP, UDP or the
 * like from a listed MAC and address, and takes the short way; all others are judged by functions
 * of their own. Where XDP can't judge it leaves the frame to TC.
 */
#ifndef SLUICE_BPF_GUARD_GUARD_H
#define SLUICE_BPF_GUARD_GUARD_H

#include "lib/event.h"
#include "lib/parse.h"
#include "guard/arp.h"
#include "guard/dhcp.h"
#include "guard/mac.h"
#include "guard/nd.h"

/* Is it a report of RFC 2710 or RFC 3810? These are sent before there is an address. */
static __always_inline bool sl_is_mld_report(__u8 type)
{
	return type == ICMPV6_MGM_REPORT || type == ICMPV6_MGM_REDUCTION ||
	       type == ICMPV6_MLD2_REPORT;
}

/* Can nothing but its addresses be wrong with the packet? */
static __always_inline bool sl_guard_plain_l4(const struct sl_packet *pkt)
{
	__be16 from, to;

	switch (pkt->proto) {
	case IPPROTO_UDP:
		from = pkt->family == AF_INET ? pkt->k4.sport : pkt->k6.sport;
		to = pkt->family == AF_INET ? pkt->k4.dport : pkt->k6.dport;
		return !sl_is_dhcp_port(from) && !sl_is_dhcp_port(to);
	case IPPROTO_ICMP:
		return !sl_is_router_message(pkt);
	case IPPROTO_ICMPV6:
		return !sl_is_nd(pkt->icmp_type);
	default:
		return true;
	}
}

static __always_inline const struct sl_guard *sl_guard_of(const struct sl_port *port)
{
	__u32 index = port->guard;

	return bpf_map_lookup_elem(&sl_guards, &index);
}

/* Finds the table's entry for the frame's source MAC; 0: it is not listed. */
static __always_inline __u64 sl_guard_sender(struct sl_ctx *ctx, const struct sl_guard *guard)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return 0;
	return sl_guard_find_mac(guard, sl_eth_source(eth));
}

/* Is a source MAC that is not listed refused, whatever else there is to say of the frame? */
static __always_inline bool sl_guard_strict_mac(const struct sl_guard *guard)
{
	const __u32 checks = SL_GUARD_MAC | SL_GUARD_MAC_CHANGE | SL_GUARD_AUDIT;

	return (guard->checks & checks) == SL_GUARD_MAC && !guard->learn;
}

/* Is the list of addresses all that counts, and what is not on it refused? */
static __always_inline bool sl_guard_strict_addrs(const struct sl_guard *guard)
{
	return !(guard->checks & (SL_GUARD_PREFIXES | SL_GUARD_SNOOP | SL_GUARD_AUDIT));
}

/* Is a source address that is not listed refused? No rule is about such addresses. */
static __always_inline bool sl_guard_strict_addr(const struct sl_guard *guard,
						 const struct sl_packet *pkt)
{
	__be32 first = pkt->k6.saddr.w[0];

	if (!sl_guard_strict_addrs(guard))
		return false;
	if (pkt->family == AF_INET)
		return pkt->k4.saddr;
	return first && first != bpf_htonl(0xfe800000);
}

/* What the guard knows of a frame's sender before anything is parsed. */
struct sl_sender {
	const struct sl_guard *guard; /* of the port; NULL = it has none */
	__u64 mac;		      /* the table's entry for the source MAC; 0 = not listed */
	bool addr; /* the source address is listed; false: still to be looked up */
};

/* Does what sl_guard_at_sight() says, for a port that has a guard. */
static __always_inline enum sl_drop
sl_guard_glance(struct sl_ctx *ctx, const struct sl_guard *guard, struct sl_sender *sender)
{
	struct ethhdr *eth = ctx_data(ctx);
	struct iphdr *ip = (void *)(eth + 1);

	sender->mac = sl_guard_sender(ctx, guard);
	if (!sender->mac)
		return sl_guard_strict_mac(guard) ? SL_DROP_GUARD_MAC : SL_DROP_NONE;
	if ((sender->mac & SL_GUARD_MAC_STANDBY) || !(guard->checks & SL_GUARD_IP) ||
	    !sl_guard_strict_addrs(guard) || (void *)(ip + 1) > ctx_data_end(ctx) ||
	    sl_ethertype(eth) != bpf_htons(ETH_P_IP) || *(__u8 *)ip != 0x45 || !ip->saddr)
		return SL_DROP_NONE;
	sender->addr = sl_guard_find_addr(guard, sl_halves_of4(ip->saddr));
	return sender->addr ? 0 : SL_DROP_GUARD_IP;
}

/*
 * Refuses most of what is forged before it is parsed: a MAC, or the address of an IPv4 packet
 * without options, that is not listed where nothing but the list counts. Returns the reason against
 * the frame, if there is one.
 * @param sender zero before; afterwards what sl_guard() wants to know
 */
static __always_inline enum sl_drop
sl_guard_at_sight(struct sl_ctx *ctx, const struct sl_port *port, struct sl_sender *sender)
{
	if (!port->guard)
		return SL_DROP_NONE;
	sender->guard = sl_guard_of(port);
	return sender->guard ? sl_guard_glance(ctx, sender->guard, sender) : SL_DROP_GUARD_MAC;
}

/*
 * Judges nearly every frame.
 * SL_CONTINUE: there is nothing against it. SL_DROP: pkt->reason is against it. SL_SPECIAL: it
 * takes more than this to say.
 */
static __always_inline enum sl_verdict sl_guard_plain(const struct sl_sender *sender,
						      struct sl_packet *pkt)
{
	const struct sl_guard *guard = sender->guard;

	if (!sender->mac || (sender->mac & SL_GUARD_MAC_STANDBY) || !pkt->family || pkt->reason ||
	    pkt->hidden || pkt->vlan_tags || pkt->fragment != SL_FRAG_NONE)
		return SL_SPECIAL;
	if (!sender->addr && (guard->checks & SL_GUARD_IP) && !sl_guard_find_source(guard, pkt))
		return sl_guard_strict_addr(guard, pkt) ? sl_refuse(pkt, SL_DROP_GUARD_IP)
							: SL_SPECIAL;
	return sl_guard_plain_l4(pkt) ? SL_CONTINUE : SL_SPECIAL;
}

/*
 * Has the port no use for the frame's tags? The tags of trunks and tunnels are the switch's affair.
 */
static __always_inline bool sl_guard_bad_tags(const struct sl_port *port,
					      const struct sl_packet *pkt)
{
	__u32 id = port->id;
	const struct sl_switch_port *sp;

	if (!pkt->vlan_tags)
		return false;
	if (port->flags & SL_PORT_SWITCHED) {
		sp = bpf_map_lookup_elem(&sl_switch_ports, &id);
		return !sp || sp->mode == SL_VLAN_ACCESS;
	}
	return port->role != SL_ROLE_TRUNK || pkt->vlan_tags > 1 || !pkt->vid ||
	       pkt->vid == VLAN_VID_MASK;
}

/*
 * Refuses tags that the port has no use for, lengths in place of ethertypes, and unknown
 * ethertypes.
 */
static __always_inline enum sl_drop sl_guard_ethertype(const struct sl_port *port,
						       const struct sl_guard *guard,
						       const struct sl_packet *pkt)
{
	__be16 type = pkt->ethertype;
	bool llc = bpf_ntohs(type) < ETH_P_802_3_MIN;

	if (guard->checks & SL_GUARD_TAG) {
		if (llc)
			return SL_DROP_GUARD_LLC;
		if (sl_guard_bad_tags(port, pkt))
			return SL_DROP_GUARD_TAG;
	}
	if (llc || !(guard->checks & SL_GUARD_ETHERTYPE) || type == bpf_htons(ETH_P_IP) ||
	    type == bpf_htons(ETH_P_IPV6) || type == bpf_htons(ETH_P_ARP) ||
	    type == bpf_htons(ETH_P_RARP))
		return SL_DROP_NONE;
#pragma unroll
	for (__u32 i = 0; i < SL_GUARD_ETHERTYPES; i++)
		if (guard->ethertypes[i] == type)
			return SL_DROP_NONE;
	return SL_DROP_GUARD_ETHERTYPE;
}

#define SL_ICMP_ROUTER_SOLICIT 10 /* RFC 1256; linux/icmp.h does not export it */

/*
 * Is it a membership report or leave (RFC 3376 sections 4 and 4.2.13)? To query is not a VM's part.
 */
static __always_inline bool sl_is_igmp_report(struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	struct igmphdr igmp;

	if (!sl_in_packet(pkt, pkt->l4_off, sizeof(igmp)) ||
	    ctx_load_bytes(ctx, pkt->l4_off, &igmp, sizeof(igmp)))
		return false;
	return igmp.type == IGMP_HOST_MEMBERSHIP_REPORT ||
	       igmp.type == IGMPV2_HOST_MEMBERSHIP_REPORT ||
	       igmp.type == IGMPV3_HOST_MEMBERSHIP_REPORT || igmp.type == IGMP_HOST_LEAVE_MESSAGE;
}

/*
 * May an IPv4 sender without an address send this? It may speak DHCP, IGMP to a group, and ask for
 * routers (RFC 1256 section 3.1), but not past the link.
 */
static __always_inline bool sl_guard_addressless4(struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	bool group = (pkt->k4.daddr & bpf_htonl(0xf0000000)) == bpf_htonl(0xe0000000);

	switch (pkt->proto) {
	case IPPROTO_UDP:
		return pkt->k4.sport == bpf_htons(SL_DHCP_CLIENT) &&
		       pkt->k4.dport == bpf_htons(SL_DHCP_SERVER);
	case IPPROTO_IGMP:
		return group && sl_is_igmp_report(ctx, pkt);
	case IPPROTO_ICMP:
		return pkt->icmp_type == SL_ICMP_ROUTER_SOLICIT &&
		       (group || pkt->k4.daddr == bpf_htonl(0xffffffff));
	default:
		return false;
	}
}

/*
 * May a sender that has no address yet send this? For IPv6 that is neighbour discovery (RFC 4862
 * section 5.4.2, RFC 4861 section 4.1) and MLD (RFC 3590). An ARP probe is sl_guard_arp()'s.
 */
static __always_inline bool sl_guard_addressless(struct sl_ctx *ctx, const struct sl_packet *pkt)
{
	const union sl_addr *from = &pkt->k6.saddr;

	if (pkt->reason || pkt->fragment != SL_FRAG_NONE)
		return false;
	if (pkt->family == AF_INET)
		return !pkt->k4.saddr && sl_guard_addressless4(ctx, pkt);
	return !(from->w[0] | from->w[1] | from->w[2] | from->w[3]) &&
	       pkt->proto == IPPROTO_ICMPV6 &&
	       (pkt->icmp_type == SL_ND_ROUTER_SOLICIT ||
		pkt->icmp_type == SL_ND_NEIGHBOUR_SOLICIT || sl_is_mld_report(pkt->icmp_type));
}

static __always_inline bool sl_guard_source_addr(struct sl_ctx *ctx, const struct sl_port *port,
						 const struct sl_guard *guard,
						 const struct sl_packet *pkt)
{
	union sl_addr from, to;

	if (!pkt->family) /* cut before its addresses */
		return false;
	sl_packet_addrs(pkt, &from, &to);
	if (pkt->family == AF_INET6 && sl_is_mapped(&from))
		return false;
	return sl_guard_own_addr(port, guard, &from) || sl_guard_addressless(ctx, pkt);
}

/* Judges what ICMP, IPv4's and IPv6's, claims beside the source address. */
static __always_inline enum sl_drop sl_guard_icmp(struct sl_ctx *ctx, const struct sl_port *port,
						  const struct sl_guard *guard,
						  const struct sl_packet *pkt)
{
	if ((guard->checks & SL_GUARD_RA) && sl_is_router_message(pkt))
		return SL_DROP_GUARD_RA;
	if ((guard->checks & SL_GUARD_ND) && pkt->family == AF_INET6 && sl_is_nd(pkt->icmp_type))
		return sl_guard_nd(ctx, port, guard, pkt);
	return SL_DROP_NONE;
}

static __always_inline enum sl_verdict sl_guard_ip(struct sl_ctx *ctx, const struct sl_port *port,
						   const struct sl_guard *guard,
						   struct sl_packet *pkt, __u64 mac)
{
	bool icmp;

	if (pkt->reason || pkt->hidden) {
		if (!ctx_is_last()) /* perhaps only its headers are not in the first buffer */
			return SL_PASS;
		if (guard->checks & SL_GUARD_FRAGMENT)
			return sl_refuse(pkt, pkt->hidden || pkt->fragment ? SL_DROP_GUARD_FRAGMENT
									   : SL_DROP_MALFORMED);
	}
	if ((guard->checks & SL_GUARD_IP) && !sl_guard_source_addr(ctx, port, guard, pkt))
		return sl_refuse(pkt, SL_DROP_GUARD_IP);
	if (pkt->fragment == SL_FRAG_LATER)
		return SL_CONTINUE;
	icmp = pkt->proto == (pkt->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	if (icmp)
		return sl_refuse_if(pkt, sl_guard_icmp(ctx, port, guard, pkt));
	if (!sl_guard_plain_l4(pkt))
		return sl_guard_dhcp(ctx, port, guard, pkt, mac);
	return SL_CONTINUE;
}

/*
 * Judges a frame that is not plain, each of its claims in turn.
 * SL_CONTINUE: there is nothing against it. SL_DROP: pkt->reason is against it. SL_PASS: TC is to
 * judge, on XDP alone.
 */
static __noinline enum sl_verdict sl_guard_judge(struct sl_ctx *ctx, const struct sl_port *port,
						 const struct sl_guard *guard,
						 struct sl_packet *pkt)
{
	struct ethhdr *eth = ctx_data(ctx);
	enum sl_verdict verdict;
	enum sl_drop why;
	__u64 mac;

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return ctx_is_last() ? sl_refuse(pkt, SL_DROP_GUARD_MAC) : SL_PASS;
	mac = sl_eth_source(eth);
	verdict = sl_guard_source_mac(ctx, port, guard, pkt, mac);
	if (verdict != SL_CONTINUE)
		return verdict;
	why = sl_guard_ethertype(port, guard, pkt);
	if (why)
		return sl_refuse(pkt, why);
	switch (pkt->ethertype) {
	case bpf_htons(ETH_P_IP):
	case bpf_htons(ETH_P_IPV6):
		return sl_guard_ip(ctx, port, guard, pkt, mac);
	case bpf_htons(ETH_P_ARP):
	case bpf_htons(ETH_P_RARP):
		if (guard->checks & SL_GUARD_ARP)
			return sl_refuse_if(pkt, sl_guard_arp(ctx, port, guard, pkt, mac));
		return SL_CONTINUE;
	default:
		return SL_CONTINUE;
	}
}

/*
 * Judges a frame that is not plain. Global, so that the verifier looks at it once.
 * SL_CONTINUE: it may enter. SL_DROP: pkt->reason is against it. SL_PASS: TC is to judge, on XDP
 * alone.
 */
__noinline enum sl_verdict sl_guard_special(struct sl_ctx *ctx, const struct sl_port *port,
					    struct sl_packet *pkt)
{
	const struct sl_guard *guard;
	enum sl_verdict verdict;
	bool audits;
	__u8 parsed;

	if (!port || !pkt)
		return SL_DROP;
	guard = sl_guard_of(port);
	if (!guard)
		return sl_refuse(pkt, SL_DROP_GUARD_MAC);
	audits = guard->checks & SL_GUARD_AUDIT;
	parsed = pkt->reason;
	verdict = sl_guard_judge(ctx, port, guard, pkt);
	if (verdict == SL_CONTINUE)
		return SL_CONTINUE;
	if (!ctx_is_last() && (verdict == SL_PASS || audits))
		return SL_PASS;
	if (!audits)
		return verdict;
	sl_report_audit(ctx, port->id, pkt->reason, false);
	pkt->reason = parsed;
	return SL_CONTINUE;
}

/* The guard's verdict on a parsed frame, whose sender is known by now: see sl_guard_special(). */
static __always_inline enum sl_verdict sl_guard(struct sl_ctx *ctx, const struct sl_port *port,
						const struct sl_sender *sender,
						struct sl_packet *pkt)
{
	enum sl_verdict verdict = sl_guard_plain(sender, pkt);

	return unlikely(verdict == SL_SPECIAL) ? sl_guard_special(ctx, port, pkt) : verdict;
}

#endif
