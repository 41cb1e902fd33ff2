/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DHCP (RFC 2131) and DHCPv6 (RFC 8415) as a VM may speak it: no server's part, a client for its
 * own MAC alone, and not more often than the guard allows.
 */
#ifndef SLUICE_BPF_STAGE_GUARD_DHCP_H
#define SLUICE_BPF_STAGE_GUARD_DHCP_H

#include "lib/parse.h"
#include "stage/guard_mac.h"

#define SL_DHCP_SERVER	 67
#define SL_DHCP_CLIENT	 68
#define SL_DHCP6_CLIENT	 546
#define SL_DHCP6_SERVER	 547
#define SL_BOOTP_REQUEST 1
#define SL_BOOTP_REPLY	 2

#define SL_TICKS_PER_SECOND 954 /* 10^9 / 2^20 */
#define SL_TOKEN_TRIES	    4

struct sl_bootp { /* RFC 951; what follows chaddr is of no interest here */
	__u8 op, hardware, hardware_len, hops;
	__be32 id;
	__be16 seconds, flags;
	__be32 ciaddr, yiaddr, siaddr, giaddr;
	__u8 chaddr[16];
};

/* 67 and 68, 546 and 547. */
static __always_inline bool sl_is_dhcp_port(__be16 port)
{
	__u16 number = bpf_ntohs(port);

	return (__u16)(number - SL_DHCP_SERVER) < 2 || (__u16)(number - SL_DHCP6_CLIENT) < 2;
}

/* An answer on its way to a client, which the guard of the port it leaves by may want to see. */
static __always_inline bool sl_is_dhcp_answer(const struct sl_packet *pkt)
{
	return pkt->family == AF_INET && pkt->proto == IPPROTO_UDP &&
	       pkt->k4.sport == bpf_htons(SL_DHCP_SERVER);
}

/* dhcp_tokens and dhcp_filled change together, as one number. */
union sl_token_bucket {
	struct {
		__u32 tokens, filled;
	};
	__u64 whole;
};
SL_STATIC_ASSERT(offsetof(struct sl_guard_state, dhcp_tokens) % 8 == 0 &&
		     offsetof(struct sl_guard_state, dhcp_filled) ==
			 offsetof(struct sl_guard_state, dhcp_tokens) + 4,
		 "the token bucket is one aligned word");

static __always_inline union sl_token_bucket sl_token_fill(union sl_token_bucket old, __u32 rate,
							   __u32 now)
{
	__u32 elapsed = now - old.filled, earned;

	if (elapsed >= SL_TICKS_PER_SECOND) /* also the very first time */
		return (union sl_token_bucket){.tokens = rate, .filled = now};
	earned = elapsed * rate / SL_TICKS_PER_SECOND;
	old.tokens += earned;
	old.filled += earned * SL_TICKS_PER_SECOND / rate; /* the rest earns on */
	if (old.tokens > rate)
		old.tokens = rate;
	return old;
}

/* Takes one of the port's requests. */
static __always_inline bool sl_dhcp_take(const struct sl_port *port, const struct sl_guard *guard)
{
	struct sl_guard_state *state = sl_guard_state_of(port);
	__u32 now = sl_tick_now(), rate = guard->dhcp_rate;
	__u64 *bucket;

	if (!state || !rate)
		return false;
	bucket = (__u64 *)&state->dhcp_tokens;
	for (int i = 0; i < SL_TOKEN_TRIES; i++) {
		union sl_token_bucket old = {.whole = READ_ONCE(*bucket)};
		union sl_token_bucket new = sl_token_fill(old, rate, now);

		if (!new.tokens)
			return false;
		new.tokens--;
		if (__sync_val_compare_and_swap(bucket, old.whole, new.whole) == old.whole)
			return true;
	}
	return false;
}

/* RFC 2131 section 4.1 lets a client ask for its own MAC alone; a relay would ask for others. */
static __always_inline bool sl_dhcp_is_own(struct sl_ctx *ctx, const struct sl_packet *pkt,
					   __u64 mac)
{
	struct {
		struct udphdr udp;
		struct sl_bootp bootp;
	} dhcp;

	return pkt->fragment == SL_FRAG_NONE && sl_in_packet(pkt, pkt->l4_off, sizeof(dhcp)) &&
	       !ctx_load_bytes(ctx, pkt->l4_off, &dhcp, sizeof(dhcp)) &&
	       bpf_ntohs(dhcp.udp.len) >= sizeof(dhcp) && dhcp.bootp.op == SL_BOOTP_REQUEST &&
	       dhcp.bootp.hardware_len == ETH_ALEN && sl_mac_number(dhcp.bootp.chaddr) == mac;
}

/*
 * A UDP packet that one of the DHCP ports is in, sent from `mac`. 0, or the reason against it. A
 * server is known by either port: some clients take answers from any.
 */
__noinline int sl_guard_dhcp(struct sl_ctx *ctx, const struct sl_port *port,
			     const struct sl_guard *guard, const struct sl_packet *pkt, __u64 mac)
{
	__be16 from, to;
	bool v4;

	if (!port || !guard || !pkt)
		return SL_DROP_GUARD_DHCP_SERVER;
	v4 = pkt->family == AF_INET;
	from = v4 ? pkt->k4.sport : pkt->k6.sport;
	to = v4 ? pkt->k4.dport : pkt->k6.dport;
	if (from == bpf_htons(v4 ? SL_DHCP_SERVER : SL_DHCP6_SERVER) ||
	    to == bpf_htons(v4 ? SL_DHCP_CLIENT : SL_DHCP6_CLIENT))
		return guard->checks & SL_GUARD_DHCP_SERVER ? SL_DROP_GUARD_DHCP_SERVER : 0;
	if (to != bpf_htons(v4 ? SL_DHCP_SERVER : SL_DHCP6_SERVER) ||
	    !(guard->checks & SL_GUARD_DHCP_CLIENT))
		return 0;
	if (v4 && !sl_dhcp_is_own(ctx, pkt, mac))
		return SL_DROP_GUARD_DHCP_CLIENT;
	if (!ctx_is_last()) /* counted where it is counted once */
		return SL_GUARD_ASK_TC;
	return sl_dhcp_take(port, guard) ? 0 : SL_DROP_GUARD_DHCP_RATE;
}

#endif
