/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard judges DHCP (RFC 2131) and DHCPv6 (RFC 8415): a VM plays no server's part, is a client
 * for its own MAC alone, and asks not more often than the guard allows.
 */
#ifndef SLUICE_BPF_GUARD_DHCP_H
#define SLUICE_BPF_GUARD_DHCP_H

#include "lib/parse.h"
#include "lib/tokens.h"
#include "guard/mac.h"

#define SL_DHCP_SERVER	 67
#define SL_DHCP_CLIENT	 68
#define SL_DHCP6_CLIENT	 546
#define SL_DHCP6_SERVER	 547
#define SL_BOOTP_REQUEST 1
#define SL_BOOTP_REPLY	 2

#define SL_DHCP_REQUEST_TICKS (SL_DHCP_REQUEST_SECONDS * SL_TICKS_PER_SECOND)
#define SL_DHCP_NEVER	      0x80000000u /* the age of a free slot: more than any request's */

struct sl_bootp { /* RFC 951; what follows chaddr is of no interest here */
	__u8 op, hardware, hardware_len, hops;
	__be32 id;
	__be16 seconds, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8 chaddr[16];
};

/* Is it 67 or 68, 546 or 547? */
static __always_inline bool sl_is_dhcp_port(__be16 port)
{
	__u16 number = bpf_ntohs(port);

	return (__u16)(number - SL_DHCP_SERVER) < 2 || (__u16)(number - SL_DHCP6_CLIENT) < 2;
}

/*
 * Is it an answer on its way to a client, which the guard of the port it leaves by may want to see?
 */
static __always_inline bool sl_is_dhcp_answer(const struct sl_packet *pkt)
{
	return pkt->family == AF_INET && pkt->proto == IPPROTO_UDP &&
	       pkt->k4.sport == bpf_htons(SL_DHCP_SERVER);
}

SL_STATIC_ASSERT(offsetof(struct sl_guard_state, dhcp_tokens) % 8 == 0 &&
		     offsetof(struct sl_guard_state, dhcp_filled) ==
			 offsetof(struct sl_guard_state, dhcp_tokens) + 4,
		 "they are a token bucket");

/* Takes one of the requests that the port may send. False: it has none left. */
static __always_inline bool sl_dhcp_take(const struct sl_port *port, const struct sl_guard *guard)
{
	struct sl_guard_state *state = sl_guard_state_of(port);

	return state && guard->dhcp_rate &&
	       sl_tokens_take((__u64 *)&state->dhcp_tokens, guard->dhcp_rate);
}

#define SL_DHCP_OPTIONS_AT 240 /* behind the BOOTP header and the cookie: RFC 2131 section 2 */
#define SL_DHCP_OPTIONS	   64  /* most that are looked at */

enum sl_dhcp_option { /* RFC 2132 */
		      SL_DHCP_PAD = 0,
		      SL_DHCP_REQUESTED = 50,
		      SL_DHCP_LEASE_TIME = 51,
		      SL_DHCP_MESSAGE_TYPE = 53,
		      SL_DHCP_END = 255,
};

enum sl_dhcp_message { /* RFC 2132 section 9.6 */
		       SL_DHCP_OFFER = 2,
		       SL_DHCP_DECLINE = 4,
		       SL_DHCP_ACK = 5,
		       SL_DHCP_RELEASE = 7,
};

struct sl_dhcp_options {
	__u32 seconds;	  /* how long the lease lasts */
	__be32 requested; /* address */
	__u32 message;	  /* enum sl_dhcp_message */
};

/* Reads the options that *options has room for. Global: the verifier looks once. */
__noinline int sl_dhcp_read_options(struct sl_ctx *ctx, const struct sl_packet *pkt,
				    struct sl_dhcp_options *options)
{
	__u8 option[2]; /* code, length */
	__u8 message;
	__be32 word;
	__u32 off;

	if (!pkt || !options)
		return 0;
	off = pkt->l4_off + sizeof(struct udphdr) + SL_DHCP_OPTIONS_AT;
	for (int i = 0; i < SL_DHCP_OPTIONS; i++) {
		if (!sl_in_packet(pkt, off, sizeof(option)) ||
		    ctx_load_bytes(ctx, off, option, sizeof(option)) || option[0] == SL_DHCP_END)
			return 0;
		if (option[0] == SL_DHCP_PAD) {
			off++;
			continue;
		}
		off += sizeof(option);
		if (!sl_in_packet(pkt, off, option[1]))
			return 0;
		if (option[0] == SL_DHCP_MESSAGE_TYPE && option[1] == sizeof(message) &&
		    !ctx_load_bytes(ctx, off, &message, sizeof(message)))
			options->message = message;
		if ((option[0] == SL_DHCP_LEASE_TIME || option[0] == SL_DHCP_REQUESTED) &&
		    option[1] == sizeof(word) && !ctx_load_bytes(ctx, off, &word, sizeof(word))) {
			if (option[0] == SL_DHCP_LEASE_TIME)
				options->seconds = bpf_ntohl(word);
			else
				options->requested = word;
		}
		off += option[1];
	}
	return 0;
}

static __always_inline bool sl_dhcp_awaits(const struct sl_dhcp_request *request)
{
	return request->mac && sl_tick_now() - request->tick < SL_DHCP_REQUEST_TICKS;
}

/*
 * Finds the request of the port that is answered to `mac` with this transaction id; NULL: there is
 * none.
 */
static __always_inline struct sl_dhcp_request *sl_dhcp_request_of(const struct sl_port *port,
								  __u64 mac, __be32 id)
{
	struct sl_guard_state *state = sl_guard_state_of(port);

	if (!state)
		return NULL;
#pragma unroll
	for (__u32 i = 0; i < SL_DHCP_REQUESTS; i++) {
		struct sl_dhcp_request *request = &state->requests[i];

		if (request->mac == mac && request->id == id && sl_dhcp_awaits(request))
			return request;
	}
	return NULL;
}

/* Does a server offer the port this address just now? Its client may look whether it is free. */
static __always_inline bool sl_dhcp_offered(const struct sl_port *port, __be32 addr)
{
	struct sl_guard_state *state = sl_guard_state_of(port);

	if (!state)
		return false;
#pragma unroll
	for (__u32 i = 0; i < SL_DHCP_REQUESTS; i++)
		if (state->requests[i].offered == addr && sl_dhcp_awaits(&state->requests[i]))
			return true;
	return false;
}

/*
 * Finds the slot for the next request of `mac`: the one it has, else a free one, else the oldest.
 */
static __always_inline struct sl_dhcp_request *sl_dhcp_slot(struct sl_guard_state *state, __u64 mac,
							    __u32 now)
{
	__u32 slot = 0, oldest = 0;

#pragma unroll
	for (__u32 i = 0; i < SL_DHCP_REQUESTS; i++) {
		const struct sl_dhcp_request *request = &state->requests[i];
		__u32 age = request->mac ? (now - request->tick) >> 1 : SL_DHCP_NEVER;

		if (request->mac == mac)
			age = ~0u;
		if (age > oldest) {
			oldest = age;
			slot = i;
		}
	}
	barrier_var(
	    slot); /* the mask must come last, or the verifier of Linux 6.1 does not see it */
	return &state->requests[slot & (SL_DHCP_REQUESTS - 1)];
}
SL_STATIC_ASSERT(!(SL_DHCP_REQUESTS & (SL_DHCP_REQUESTS - 1)), "a slot is found by a mask");

/* Notes what a client asks for. What it gives back is no longer the port's. */
static __always_inline void sl_dhcp_note(struct sl_ctx *ctx, const struct sl_port *port,
					 const struct sl_packet *pkt, const struct sl_bootp *bootp)
{
	struct sl_guard_state *state = sl_guard_state_of(port);
	struct sl_port_addr key = {.port = port->id};
	struct sl_dhcp_options options = {};
	__u64 mac = sl_mac_number(bootp->chaddr);
	struct sl_dhcp_request *request;
	__u32 now = sl_tick_now();

	if (!state)
		return;
	sl_dhcp_read_options(ctx, pkt, &options);
	if (options.message == SL_DHCP_RELEASE || options.message == SL_DHCP_DECLINE) {
		key.addr = sl_mapped(options.message == SL_DHCP_RELEASE ? bootp->ciaddr
									: options.requested);
		bpf_map_delete_elem(&sl_learned_addrs, &key);
		return;
	}
	request = sl_dhcp_slot(state, mac, now);
	if (request->mac != mac || request->id != bootp->id) {
		request->offered = 0;
		request->id = bootp->id;
		request->mac = mac;
	}
	request->tick = now;
}

struct sl_dhcp {
	struct udphdr udp;
	struct sl_bootp bootp;
};

/*
 * Is it a client's request? RFC 2131 section 4.1 lets a client ask for its own MAC alone; a relay
 * would ask for others.
 */
static __always_inline bool sl_dhcp_is_request(struct sl_ctx *ctx, const struct sl_packet *pkt,
					       struct sl_dhcp *dhcp)
{
	return pkt->fragment == SL_FRAG_NONE && sl_in_packet(pkt, pkt->l4_off, sizeof(*dhcp)) &&
	       !ctx_load_bytes(ctx, pkt->l4_off, dhcp, sizeof(*dhcp)) &&
	       bpf_ntohs(dhcp->udp.len) >= sizeof(*dhcp) && dhcp->bootp.op == SL_BOOTP_REQUEST &&
	       dhcp->bootp.hardware_len == ETH_ALEN;
}

/* Judges what a client sends to a server: see sl_guard_special(). */
static __always_inline enum sl_verdict sl_guard_dhcp_client(struct sl_ctx *ctx,
							    const struct sl_port *port,
							    const struct sl_guard *guard,
							    struct sl_packet *pkt, __u64 mac)
{
	bool v4 = pkt->family == AF_INET, request, snoops = v4 && (guard->checks & SL_GUARD_SNOOP);
	struct sl_dhcp dhcp;
	__u64 client;

	request = v4 && sl_dhcp_is_request(ctx, pkt, &dhcp);
	client = request ? sl_mac_number(dhcp.bootp.chaddr) : 0;
	if ((guard->checks & SL_GUARD_DHCP_CLIENT) && v4 && client != mac)
		return sl_refuse(pkt, SL_DROP_GUARD_DHCP_CLIENT);
	if (!ctx_is_last()) /* counted where it is counted once, and noted there */
		return SL_PASS;
	if ((guard->checks & SL_GUARD_DHCP_CLIENT) && !sl_dhcp_take(port, guard))
		return sl_refuse(pkt, SL_DROP_GUARD_DHCP_RATE);
	if (snoops && request && sl_guard_own_mac(port, guard, client))
		sl_dhcp_note(ctx, port, pkt, &dhcp.bootp);
	return SL_CONTINUE;
}

/*
 * Judges a UDP packet that has one of the DHCP ports and was sent from `mac`: see
 * sl_guard_special(). A server is known by either port: some clients take answers from any.
 */
__noinline enum sl_verdict sl_guard_dhcp(struct sl_ctx *ctx, const struct sl_port *port,
					 const struct sl_guard *guard, struct sl_packet *pkt,
					 __u64 mac)
{
	__be16 from, to;
	bool v4;

	if (!port || !guard || !pkt)
		return SL_DROP;
	v4 = pkt->family == AF_INET;
	from = v4 ? pkt->k4.sport : pkt->k6.sport;
	to = v4 ? pkt->k4.dport : pkt->k6.dport;
	if (from == bpf_htons(v4 ? SL_DHCP_SERVER : SL_DHCP6_SERVER) ||
	    to == bpf_htons(v4 ? SL_DHCP_CLIENT : SL_DHCP6_CLIENT))
		return guard->checks & SL_GUARD_DHCP_SERVER
			   ? sl_refuse(pkt, SL_DROP_GUARD_DHCP_SERVER)
			   : SL_CONTINUE;
	if (to != bpf_htons(v4 ? SL_DHCP_SERVER : SL_DHCP6_SERVER) ||
	    !(guard->checks & (SL_GUARD_DHCP_CLIENT | SL_GUARD_SNOOP)))
		return SL_CONTINUE;
	return sl_guard_dhcp_client(ctx, port, guard, pkt, mac);
}

#endif
