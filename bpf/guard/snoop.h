/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP snooping (TC, egress) takes an ACK's word that an address is the port's. It believes one
 * that answers what this port has asked, that comes at layer 2 from where a server may be, and
 * whose address nobody else has. A VM has friends outside, who answer whatever it likes.
 */
#ifndef SLUICE_BPF_GUARD_SNOOP_H
#define SLUICE_BPF_GUARD_SNOOP_H

#include "lib/event.h"
#include "lib/fib.h"
#include "lib/parse.h"
#include "lib/port.h"
#include "guard/dhcp.h"
#include "maps/work.h"

#define SL_DHCP_FOREVER 0xffffffffu

/* Tells when a lease that is given now ends, in epoch seconds. */
static __always_inline __u32 sl_lease_end(__u32 seconds)
{
	__u64 end = sl_epoch_exact() + ((__u64)seconds * 1000000000 >> SL_EPOCH_SHIFT) + 1;

	return seconds == SL_DHCP_FOREVER || end > SL_DHCP_FOREVER ? SL_DHCP_FOREVER : end;
}

/* Finds the host's interface in the segment that the port is in; 0: it has none. */
static __always_inline __u32 sl_snoop_interface(const struct sl_port *port, __u32 vid)
{
	const struct sl_vlan *vlan;

	if (!(port->flags & SL_PORT_SWITCHED))
		return port->l3_ifindex;
	vlan = bpf_map_lookup_elem(&sl_vlans, &vid);
	return vlan ? vlan->l3_ifindex : 0;
}

static __always_inline bool sl_is_no_way4(struct __sk_buff *ctx, __u32 ifindex, __be32 addr)
{
	const union sl_addr mapped = sl_mapped(addr);

	return sl_fib_is_no_way(ctx, ifindex, &mapped);
}

/*
 * Is the address one of the host's own? The kernel says the same of an address that it forwards
 * nothing to as of one that it has no route for; but then it says so of the address's neighbours,
 * too. Global: the verifier looks once.
 */
__noinline int sl_host_has(struct __sk_buff *ctx, const struct sl_port *port, __u32 vid,
			   __be32 addr)
{
	const struct sl_vlan *vlan = bpf_map_lookup_elem(&sl_vlans, &vid);
	__u32 ifindex;

	if (!port)
		return false;
	if (addr == port->addr4 || (vlan && vlan->addr4 == addr))
		return true;
	ifindex = sl_snoop_interface(port, vid);
	return ifindex && sl_is_no_way4(ctx, ifindex, addr) &&
	       !(sl_is_no_way4(ctx, ifindex, addr ^ bpf_htonl(1)) &&
		 sl_is_no_way4(ctx, ifindex, addr ^ bpf_htonl(2)));
}

/* May a DHCP server be behind the port? Its guard says so; where it has none, its role. */
static __always_inline bool sl_dhcp_server_port(const struct sl_port *port)
{
	__u32 index = port->guard;
	const struct sl_guard *guard;

	if (!index)
		return port->role == SL_ROLE_TRUNK || port->role == SL_ROLE_UPLINK ||
		       port->role == SL_ROLE_INTERNAL;
	guard = bpf_map_lookup_elem(&sl_guards, &index);
	return guard && !(guard->checks & SL_GUARD_DHCP_SERVER);
}

/*
 * Does an answer that is to leave by the port come from the host itself, or at layer 2 from a port
 * that a server may be behind? What was routed comes from anywhere, and names any source but the
 * host's own, which the kernel lets nobody else use. So in a VLAN, where both come by the internal
 * port, the host's are known by their source. What a bridge sends on came in by another port of it.
 */
static __always_inline bool sl_dhcp_trusted(struct __sk_buff *ctx, const struct sl_port *port,
					    const struct sl_packet *pkt, __u32 vid)
{
	const struct sl_port *from;

	if (ctx->tc_index == SL_TC_INDEX_SEGMENT)
		return false;
	if (!ctx->ingress_ifindex)
		return true;
	from = sl_port_find(ctx->ingress_ifindex);
	if (!from || !sl_dhcp_server_port(from))
		return false;
	if (from->role == SL_ROLE_INTERNAL)
		return sl_host_has(ctx, port, vid, pkt->k4.saddr);
	if (ctx->tc_index == SL_TC_INDEX_SWITCHED)
		return true;
	return from->ifindex != from->l3_ifindex && from->l3_ifindex == port->l3_ifindex;
}

/* Looks at one port: if the address of work->claim is its own, the walk over the ports ends. */
static long sl_claim_visit(void *map, __u32 *slot, struct sl_port *port, void *unused)
{
	__u32 zero = 0, index = port->guard;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);
	const struct sl_guard *guard;

	if (!work)
		return 1;
	if (!port->ifindex || !index || port->id == work->claim.port ||
	    port->domain != work->claim.domain)
		return 0;
	guard = bpf_map_lookup_elem(&sl_guards, &index);
	if (!guard || (!sl_guard_find_addr(guard, sl_halves_of(&work->claim.addr)) &&
		       !sl_guard_snooped(port, &work->claim.addr)))
		return 0;
	work->claim.owner = port->id;
	return 1;
}

/*
 * Finds the port by whose guard the address is taken in the port's L2 domain; 0: there is none.
 * Networks that a guard allows are no claim to each address in them. Global: the verifier looks
 * once.
 */
__noinline int sl_claimed_by(const struct sl_port *port, __u32 vid, __be32 addr)
{
	__u32 zero = 0;
	struct sl_work *work = bpf_map_lookup_elem(&sl_work, &zero);

	if (!port || !work)
		return 0;
	work->claim = (struct sl_claim){
	    .addr = sl_mapped(addr),
	    .port = port->id,
	    .domain = vid,
	};
	bpf_for_each_map_elem(&sl_ports, sl_claim_visit, NULL, 0);
	return work->claim.owner;
}

static __always_inline void sl_snoop_learn(struct __sk_buff *ctx, const struct sl_port *port,
					   const struct sl_bootp *bootp, __u32 seconds)
{
	struct sl_learned_addr learned = {.expires = sl_lease_end(seconds)};
	struct sl_port_addr key = {.addr = sl_mapped(bootp->yiaddr), .port = port->id};

	__builtin_memcpy(learned.mac, bootp->chaddr, sizeof(learned.mac));
	if (!bpf_map_lookup_elem(&sl_learned_addrs, &key))
		sl_event_notice(ctx, port->id, SL_EVENT_ADDRESS_SNOOPED, 0);
	bpf_map_update_elem(&sl_learned_addrs, &key, &learned, BPF_ANY);
}

/* Reads an answer to one of the port's MACs that gives or offers it an address. */
static __always_inline bool sl_snoop_read(struct __sk_buff *ctx, const struct sl_port *port,
					  const struct sl_guard *guard, const struct sl_packet *pkt,
					  struct sl_bootp *bootp, struct sl_dhcp_options *options)
{
	__u32 off = pkt->l4_off + sizeof(struct udphdr);

	if (pkt->reason || pkt->fragment != SL_FRAG_NONE ||
	    pkt->k4.dport != bpf_htons(SL_DHCP_CLIENT) ||
	    !sl_in_packet(pkt, off, SL_DHCP_OPTIONS_AT) ||
	    ctx_load_bytes(ctx, off, bootp, sizeof(*bootp)) || bootp->op != SL_BOOTP_REPLY ||
	    bootp->hardware_len != ETH_ALEN || !bootp->yiaddr ||
	    !sl_guard_own_mac(port, guard, sl_mac_number(bootp->chaddr)))
		return false;
	sl_dhcp_read_options(ctx, pkt, options);
	return options->message == SL_DHCP_OFFER ||
	       (options->message == SL_DHCP_ACK && options->seconds);
}

/* Notes the address that a server gives, or offers, to one of the port's MACs. */
__noinline int sl_snoop(struct __sk_buff *ctx, const struct sl_port *port,
			const struct sl_guard *guard, const struct sl_packet *pkt)
{
	struct sl_dhcp_options options = {};
	struct sl_dhcp_request *request;
	struct sl_bootp bootp;
	__u32 vid, owner = 0;

	if (!port || !guard || !pkt || !sl_snoop_read(ctx, port, guard, pkt, &bootp, &options))
		return 0;
	vid = pkt->vid ?: port->domain;
	request = sl_dhcp_request_of(port, sl_mac_number(bootp.chaddr), bootp.id);
	if (!request || !sl_dhcp_trusted(ctx, port, pkt, vid) || !sl_is_host4(bootp.yiaddr) ||
	    sl_host_has(ctx, port, vid, bootp.yiaddr) ||
	    (owner = sl_claimed_by(port, vid, bootp.yiaddr))) {
		if (options.message == SL_DHCP_ACK)
			sl_event_notice(ctx, port->id, SL_EVENT_ADDRESS_REFUSED, owner);
		return 0;
	}
	if (options.message == SL_DHCP_OFFER)
		WRITE_ONCE(request->offered, bootp.yiaddr);
	else
		sl_snoop_learn(ctx, port, &bootp, options.seconds);
	return 0;
}

#endif
