/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This says whether an ICMP error is about a session that is known. It quotes a packet of it (RFC
 * 792, RFC 4443 section 3), whose tuple turned round is the key of the answers. The error is as
 * good as one of these: it goes to who sent the quoted packet, and comes in by where its answers
 * do. It is asked while a policy is in force, for errors that are not about a translated session.
 */
#ifndef SLUICE_BPF_ROUTE_ICMP_QUOTE_H
#define SLUICE_BPF_ROUTE_ICMP_QUOTE_H

#include "lib/parse.h"
#include "flow/session.h"
#include "maps/work.h"

#define SL_QUOTE_OFF 8 /* bytes of an ICMP error before the quote, in both families */

/* Reads the ports of the quote's key, turned round, from the first bytes of its L4 header. */
static __always_inline bool sl_quote_ports(struct __sk_buff *ctx, __u32 off, __u8 proto,
					   __be16 *sport, __be16 *dport)
{
	struct icmphdr l4;

	*sport = *dport = 0;
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP && proto != IPPROTO_ICMP &&
	    proto != IPPROTO_ICMPV6)
		return true;
	if (bpf_skb_load_bytes(ctx, off, &l4, sizeof(l4)))
		return false;
	if (proto == IPPROTO_TCP || proto == IPPROTO_UDP) {
		*dport = *(__be16 *)&l4; /* source and destination: what TCP and UDP begin with */
		*sport = l4.checksum;
	} else if (l4.type == ICMP_ECHO || l4.type == ICMPV6_ECHO_REQUEST) {
		*dport = l4.un.echo.id;
	} else if (l4.type == ICMP_ECHOREPLY || l4.type == ICMPV6_ECHO_REPLY) {
		*sport = l4.un.echo.id;
	} else {
		*sport = *dport = bpf_htons(l4.type);
	}
	return true;
}

/* Begins the key of the answers to a quoted packet. */
static __always_inline void sl_quote_begin4(const struct iphdr *ip, __u16 domain,
					    struct sl_key4 *key)
{
	*key = (struct sl_key4){
	    .saddr = ip->daddr,
	    .daddr = ip->saddr,
	    .domain = domain,
	    .proto = ip->protocol,
	};
}

static __always_inline bool sl_quote_key4(struct __sk_buff *ctx, __u32 off, __u16 domain,
					  struct sl_key4 *key)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(ctx, off, &ip, sizeof(ip)) || ip.version != 4)
		return false;
	sl_quote_begin4(&ip, domain, key);
	return sl_quote_ports(ctx, off + ip.ihl * 4, ip.protocol, &key->sport, &key->dport);
}

/*
 * Reads the key of the quote's answers. Extension headers are not looked through: then a session
 * without ports is looked for.
 */
static __always_inline bool sl_quote_key6(struct __sk_buff *ctx, __u32 off, __u16 domain,
					  struct sl_key6 *key)
{
	struct ipv6hdr ip6;

	if (bpf_skb_load_bytes(ctx, off, &ip6, sizeof(ip6)))
		return false;
	__builtin_memset(key, 0, sizeof(*key));
	__builtin_memcpy(&key->saddr, &ip6.daddr, sizeof(key->saddr));
	__builtin_memcpy(&key->daddr, &ip6.saddr, sizeof(key->daddr));
	key->domain = domain;
	key->proto = ip6.nexthdr;
	return sl_quote_ports(ctx, off + sizeof(ip6), ip6.nexthdr, &key->sport, &key->dport);
}

/*
 * Does what came in by this port come from where the packets of this entry do? Outside, all uplinks
 * are one. It also does if that is not known, and if the host itself sends it (0).
 */
static __always_inline bool sl_comes_from(const struct sl_flow *entry, __u32 in_port)
{
	const struct sl_port *wanted, *port;

	if (!in_port || !entry->in_port || entry->in_port == in_port)
		return true;
	wanted = sl_port_of_id(entry->in_port);
	port = sl_port_of_id(in_port);
	return wanted && port && wanted->role == SL_ROLE_UPLINK && port->role == SL_ROLE_UPLINK;
}

/* Is work->other the key of a session that is allowed, as far as is known by now? */
static __always_inline bool sl_quote_known(struct sl_work *work, __u32 in_port)
{
	__u8 family = work->pkt.family;
	const struct sl_flow *entry = sl_flow_get(family, &work->other), *opener = entry;

	if (!entry || !sl_comes_from(entry, in_port) || (entry->rules && sl_rules_old(entry)))
		return false;
	if (!(entry->flags & SL_FLOW_ORIG)) {
		sl_reverse_key(family, &work->other, entry, &work->back);
		opener = sl_flow_get(family, &work->back);
	}
	return opener && !(opener->flags & (SL_FLOW_DENIED | SL_FLOW_FLUSH));
}

/*
 * Is the ICMP error in work->pkt, whose key has its domain, about no session that is known? It came
 * in by this port; 0: the host sent it. Global: the verifier looks once.
 */
__noinline int sl_icmp_unrelated(struct __sk_buff *ctx, __u32 in_port)
{
	__u32 zero = 0, off;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	struct sl_packet *pkt;
	bool read;

	if (!work)
		return true;
	pkt = &work->pkt;
	off = (pkt->l4_off & SL_L4_OFF_MASK) + SL_QUOTE_OFF;
	__builtin_memset(&work->other, 0, sizeof(work->other));
	if (pkt->family == AF_INET)
		read = sl_quote_key4(ctx, off, pkt->k4.domain, &work->other.v4) &&
		       work->other.v4.daddr == pkt->k4.daddr;
	else
		read =
		    sl_quote_key6(ctx, off, pkt->k6.domain, &work->other.v6) &&
		    !__builtin_memcmp(&work->other.v6.daddr, &pkt->k6.daddr, sizeof(pkt->k6.daddr));
	if (!read)
		return true;
	if (sl_quote_known(work, in_port))
		return false;
	if (pkt->family == AF_INET)
		work->other.v4.kind = SL_KIND_COUNTED;
	else
		work->other.v6.kind = SL_KIND_COUNTED;
	return !sl_quote_known(work, in_port);
}

#endif
