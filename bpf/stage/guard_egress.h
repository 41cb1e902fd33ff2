/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What leaves by a guarded port (TC): frames for other MACs are not delivered, and the answers of
 * the real DHCP server say which addresses are the port's.
 */
#ifndef SLUICE_BPF_STAGE_GUARD_EGRESS_H
#define SLUICE_BPF_STAGE_GUARD_EGRESS_H

#include "lib/event.h"
#include "lib/parse.h"
#include "stage/guard_dhcp.h"
#include "stage/guard_own.h"

#define SL_DHCP_OPTIONS_AT 240 /* behind the BOOTP header and the cookie: RFC 2131 section 2 */
#define SL_DHCP_OPTIONS	   64  /* most that are looked at */
#define SL_DHCP_FOREVER	   0xffffffffu

enum sl_dhcp_option { /* RFC 2132 */
		      SL_DHCP_PAD = 0,
		      SL_DHCP_LEASE_TIME = 51,
		      SL_DHCP_MESSAGE_TYPE = 53,
		      SL_DHCP_END = 255,
};

#define SL_DHCP_ACK 5

struct sl_dhcp_answer {
	__u32 seconds; /* how long the lease lasts */
	__u8 message;
};

static __always_inline void sl_dhcp_read_options(struct sl_ctx *ctx, const struct sl_packet *pkt,
						 struct sl_dhcp_answer *answer)
{
	__u32 off = pkt->l4_off + sizeof(struct udphdr) + SL_DHCP_OPTIONS_AT;
	__u8 option[2]; /* code, length */
	__be32 seconds;

	for (int i = 0; i < SL_DHCP_OPTIONS; i++) {
		if (!sl_in_packet(pkt, off, sizeof(option)) ||
		    ctx_load_bytes(ctx, off, option, sizeof(option)) || option[0] == SL_DHCP_END)
			return;
		if (option[0] == SL_DHCP_PAD) {
			off++;
			continue;
		}
		off += sizeof(option);
		if (option[0] == SL_DHCP_MESSAGE_TYPE)
			ctx_load_bytes(ctx, off, &answer->message, sizeof(answer->message));
		if (option[0] == SL_DHCP_LEASE_TIME &&
		    !ctx_load_bytes(ctx, off, &seconds, sizeof(seconds)))
			answer->seconds = bpf_ntohl(seconds);
		off += option[1];
	}
}

/* When a lease given now ends, in epoch seconds. */
static __always_inline __u32 sl_lease_end(__u32 seconds)
{
	__u64 end = sl_epoch_exact() + ((__u64)seconds * 1000000000 >> SL_EPOCH_SHIFT) + 1;

	return seconds == SL_DHCP_FOREVER || end > SL_DHCP_FOREVER ? SL_DHCP_FOREVER : end;
}

/* Notes the address that an ACK gives to one of the port's MACs. */
__noinline int sl_snoop(struct sl_ctx *ctx, const struct sl_port *port,
			const struct sl_guard *guard, const struct sl_packet *pkt)
{
	struct sl_learned_addr learned = {};
	struct sl_dhcp_answer answer = {};
	struct sl_port_addr key;
	struct sl_bootp bootp;
	__u32 off;

	if (!port || !guard || !pkt || pkt->reason || pkt->fragment != SL_FRAG_NONE ||
	    pkt->k4.dport != bpf_htons(SL_DHCP_CLIENT))
		return 0;
	off = pkt->l4_off + sizeof(struct udphdr);
	if (!sl_in_packet(pkt, off, SL_DHCP_OPTIONS_AT) ||
	    ctx_load_bytes(ctx, off, &bootp, sizeof(bootp)) || bootp.op != SL_BOOTP_REPLY ||
	    bootp.hardware_len != ETH_ALEN || !bootp.yiaddr ||
	    !sl_guard_own_mac(port, guard, sl_mac_number(bootp.chaddr)))
		return 0;
	sl_dhcp_read_options(ctx, pkt, &answer);
	if (answer.message != SL_DHCP_ACK || !answer.seconds)
		return 0;
	key = (struct sl_port_addr){.addr = sl_mapped(bootp.yiaddr), .port = port->id};
	learned.expires = sl_lease_end(answer.seconds);
	__builtin_memcpy(learned.mac, bootp.chaddr, sizeof(learned.mac));
	if (!bpf_map_lookup_elem(&sl_learned_addrs, &key))
		sl_event_notice(ctx, port->id, SL_EVENT_ADDRESS_SNOOPED, 0);
	bpf_map_update_elem(&sl_learned_addrs, &key, &learned, BPF_ANY);
	return 0;
}

/* A frame that is to leave by a guarded port. 0, or the reason why it may not. */
static __always_inline int sl_guard_egress(struct sl_ctx *ctx, const struct sl_port *port,
					   const struct sl_packet *pkt)
{
	struct ethhdr *eth = ctx_data(ctx);
	__u32 index = port->guard;
	const struct sl_guard *guard = bpf_map_lookup_elem(&sl_guards, &index);
	__u64 to;

	if (!guard || (void *)(eth + 1) > ctx_data_end(ctx))
		return 0;
	to = sl_eth_dest(eth);
	if ((guard->checks & SL_GUARD_DELIVERY) && !(to & 1) &&
	    !sl_guard_own_mac(port, guard, to)) {
		if (!(guard->checks & SL_GUARD_AUDIT))
			return SL_DROP_GUARD_DELIVERY;
		sl_report_audit(ctx, port->id, SL_DROP_GUARD_DELIVERY, true);
	}
	if ((guard->checks & SL_GUARD_SNOOP) && sl_is_dhcp_answer(pkt))
		sl_snoop(ctx, port, guard, pkt);
	return 0;
}

#endif
