/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This decides which translation a new session gets: a static forward of its destination, a
 * masquerade of its source. flow/session.h enters the result into the flow table.
 */
#ifndef SLUICE_BPF_NAT_NAT_H
#define SLUICE_BPF_NAT_NAT_H

#include "lib/parse.h"
#include "maps/maps.h"
#include "nat/binding.h"
#include "maps/work.h"

#define SL_MASQ_BITS 160 /* 32 of the uplink, 128 of the address */

/* Finds the masquerade rule of this source at this uplink, or NULL. */
static __always_inline const struct sl_masq *sl_masquerade(__u32 uplink, __be32 saddr)
{
	struct sl_masq_key key = {
	    .prefixlen = SL_MASQ_BITS,
	    .uplink = uplink,
	    .addr = sl_mapped(saddr),
	};

	return bpf_map_lookup_elem(&sl_masquerades, &key);
}

/* Is this external port of any address forwarded, or is anything forwarded to this internal one? */
static __always_inline bool sl_l4port_forwarded(bool internal, __be16 port)
{
	__u32 number = bpf_ntohs(port);
	__u32 index = number / 64 + (internal ? SL_FORWARDED_WORDS : 0);
	const __u64 *word = bpf_map_lookup_elem(&sl_forwarded_ports, &index);

	return word && READ_ONCE(*word) >> number % 64 & 1;
}

static __always_inline const struct sl_forward *sl_forward_find(const struct sl_forward_key *key)
{
	if ((key->proto != IPPROTO_TCP && key->proto != IPPROTO_UDP) ||
	    !sl_l4port_forwarded(key->uplink != SL_FORWARD_IN, key->port))
		return NULL;
	return bpf_map_lookup_elem(&sl_forwards, key);
}

/* Finds the forward that stands for what is sent to this endpoint, or NULL. */
static __always_inline const struct sl_forward *sl_forward_of(const struct sl_key4 *flow)
{
	struct sl_forward_key key = {
	    .addr = sl_mapped(flow->daddr),
	    .port = flow->dport,
	    .proto = flow->proto,
	    .uplink = SL_FORWARD_IN,
	};

	return sl_forward_find(&key);
}

/*
 * Finds the forward from whose external endpoint the sender's packets leave this uplink, or NULL.
 */
static __always_inline const struct sl_forward *sl_forward_from(__u32 uplink,
								const struct sl_key4 *flow)
{
	struct sl_forward_key key = {
	    .addr = sl_mapped(flow->saddr),
	    .port = flow->sport,
	    .proto = flow->proto,
	    .uplink = uplink,
	};

	return uplink ? sl_forward_find(&key) : NULL;
}

/* Replaces the destination by a forward's. Returns the forward, or NULL. */
static __always_inline const struct sl_forward *sl_nat_destination(const struct sl_packet *pkt,
								   struct sl_flow *flow)
{
	const struct sl_forward *forward = sl_forward_of(&pkt->k4);

	if (!forward)
		return NULL;
	flow->daddr = forward->addr.w[3];
	flow->dport = forward->port;
	flow->flags |= SL_FLOW_DNAT;
	return forward;
}

/*
 * Is it an address that no router forwards (RFC 1812 sections 4.2.2.11 and 5.3.7, RFC 4291 sections
 * 2.5.2 to 2.5.6 and 2.7)? These are "this" network, loopback, multicast, reserved and limited
 * broadcast; for IPv6 unspecified and loopback (all in ::/64), link-local, multicast. They are the
 * kernel's.
 */
static __always_inline bool sl_unroutable4(__be32 addr)
{
	__u8 first = bpf_ntohl(addr) >> 24;

	return first == 0 || first == 127 || first >= 224;
}

static __always_inline bool sl_unroutable6(const union sl_addr *addr)
{
	return !(addr->w[0] | addr->w[1]) || addr->b[0] == 0xff ||
	       (addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80);
}

static __always_inline bool sl_martian(const struct sl_packet *pkt)
{
	if (pkt->family == AF_INET)
		return sl_unroutable4(pkt->k4.saddr) || sl_unroutable4(pkt->k4.daddr);
	return sl_unroutable6(&pkt->k6.saddr) || sl_unroutable6(&pkt->k6.daddr);
}

/*
 * Tells at which uplink's masquerades a session is to be looked up: at the one it leaves by. On its
 * way to an inside server by that server's external address (hairpin) it is the one that has this
 * address, for the answers would otherwise go past us. 0: at none.
 */
static __always_inline __u32 sl_nat_uplink(const struct sl_port *in, const struct sl_port *out,
					   const struct sl_forward *forward)
{
	if (out->role == SL_ROLE_UPLINK)
		return out->ifindex;
	return forward && in->role != SL_ROLE_UPLINK ? forward->uplink : 0;
}

/* Is the address in a network that is masqueraded at some uplink, and not known at this one? */
static __always_inline bool sl_nat_hidden(__u32 uplink, __be32 addr)
{
	const struct sl_masq *here = sl_masquerade(uplink, addr);

	if (here && here->pool == SL_MASQ_ROUTABLE)
		return false;
	return here || sl_masquerade(SL_MASQ_ANYWHERE, addr);
}

/*
 * Is a session to be kept out of a masqueraded network? From an uplink it may come in by a forward,
 * or if the network is routable there.
 * @param daddr where it was sent to
 */
static __always_inline bool sl_nat_keeps_out(const struct sl_port *in,
					     const struct sl_forward *forward, __be32 daddr)
{
	return !forward && in->role == SL_ROLE_UPLINK && sl_nat_hidden(in->ifindex, daddr);
}

/* Keeps a session out of a masqueraded network. SL_CONTINUE, or SL_DROP with pkt->reason. */
static __always_inline enum sl_verdict
sl_nat_admit(const struct sl_port *in, const struct sl_forward *forward, struct sl_packet *pkt)
{
	if (pkt->family != AF_INET || !sl_nat_keeps_out(in, forward, pkt->k4.daddr))
		return SL_CONTINUE;
	return sl_refuse(pkt, SL_DROP_NOT_FORWARDED);
}

/* What of the sessions is the kernel's, since the host sends them by what can't be asked for here.
 */
enum sl_kernels {
	SL_KERNELS_NONE,
	SL_KERNELS_UNTRANSLATED, /* where the kernel sees the packets as they are */
	SL_KERNELS_ALL,		 /* one end is protected by IPsec policies */
};

/* Global: the verifier looks once. */
__noinline enum sl_kernels sl_nat_kernels(__u32 family, const struct sl_key4 *key)
{
	const struct sl_settings *settings = sl_settings_now();
	__u32 mine = family == AF_INET ? SL_KERNEL_ROUTES4 : SL_KERNEL_ROUTES6;

	if (likely(!settings || !key || !(settings->kernel_routes & mine)))
		return SL_KERNELS_NONE;
	if (family == AF_INET && (sl_masquerade(SL_MASQ_PROTECTED, key->daddr) ||
				  sl_masquerade(SL_MASQ_PROTECTED, key->saddr)))
		return SL_KERNELS_ALL;
	return SL_KERNELS_UNTRANSLATED;
}

/* What becomes of the source of a session. */
enum sl_source_rule {
	SL_SOURCE_STAYS, /* it leaves as it is */
	SL_SOURCE_POOL,	 /* it is translated by a pool */
	SL_SOURCE_HIDDEN /* it must not leave there */
};

/*
 * Tells what becomes of a source.
 * @param leaves whether the session leaves by this uplink, which a hairpin does not
 */
static __always_inline enum sl_source_rule sl_nat_source_rule(__u32 uplink, bool leaves,
							      __be32 saddr, __u32 *pool)
{
	const struct sl_masq *masq = uplink ? sl_masquerade(uplink, saddr) : NULL;

	if (!masq)
		return leaves && sl_masquerade(SL_MASQ_ANYWHERE, saddr) ? SL_SOURCE_HIDDEN
									: SL_SOURCE_STAYS;
	*pool = masq->pool;
	return masq->pool == SL_MASQ_ROUTABLE ? SL_SOURCE_STAYS : SL_SOURCE_POOL;
}

/*
 * Gives the source of the planned session an external endpoint of the pool. SL_CONTINUE, or SL_DROP
 * with pkt->reason.
 */
static __always_inline enum sl_verdict sl_nat_translate(struct sl_ctx *ctx, __u32 pool,
							struct sl_work *work)
{
	struct sl_bind_request *req = &work->bind;
	struct sl_packet *pkt = &work->pkt;
	struct sl_flow *flow = &work->opened;

	if (pkt->fragment == SL_FRAG_LATER)
		return sl_refuse(pkt, SL_DROP_FRAGMENT_ORPHAN);
	if (sl_l4_of(pkt->proto) < 0 || (pkt->proto == IPPROTO_ICMP && !sl_icmp_is_request(pkt)))
		return sl_refuse(pkt, SL_DROP_NOT_TRANSLATABLE);

	__builtin_memset(req, 0, sizeof(*req));
	req->key.addr = sl_mapped(pkt->k4.saddr);
	req->key.port = pkt->k4.sport;
	req->key.domain = pkt->k4.domain;
	req->key.pool = pool;
	req->key.proto = pkt->proto;
	req->remote = flow->daddr;
	req->remote_port = flow->dport;
	req->remote_domain = flow->out_domain;
	req->account = work->account;
	if (sl_bind(ctx))
		return sl_refuse(pkt, req->reason);
	flow->saddr = req->external.w[3];
	flow->sport = req->external_port;
	flow->pool = req->key.pool;
	flow->flags |= SL_FLOW_SNAT | SL_FLOW_BOUND;
	if (likely(!sl_host_awaits(req, flow->saddr, bpf_ntohs(flow->sport))))
		return SL_CONTINUE;
	/* The binding is older than what the host began, and is for other remotes. */
	sl_session_unbind(&pkt->key, flow);
	return sl_refuse(pkt, SL_DROP_COLLISION);
}

/*
 * Replaces the source of the planned session if it is to be. What is masqueraded goes on translated
 * or not at all. If two VMs have the same address, a forward is for the one that the routes lead
 * to.
 */
static __always_inline enum sl_verdict sl_nat_source(struct sl_ctx *ctx, struct sl_work *work)
{
	bool leaves = work->uplink == work->hop.ifindex;
	const struct sl_forward *from = NULL;
	__u32 pool = 0;

	if (!work->overlaps)
		from = sl_forward_from(work->uplink, &work->pkt.k4);
	if (from) {
		work->opened.saddr = from->addr.w[3];
		work->opened.sport = from->port;
		work->opened.flags |= SL_FLOW_SNAT;
		return SL_CONTINUE;
	}
	switch (sl_nat_source_rule(work->uplink, leaves, work->pkt.k4.saddr, &pool)) {
	case SL_SOURCE_STAYS:
		return SL_CONTINUE;
	case SL_SOURCE_POOL:
		return sl_nat_translate(ctx, pool, work);
	default:
		return sl_refuse(&work->pkt, SL_DROP_UNTRANSLATED);
	}
}

#endif
