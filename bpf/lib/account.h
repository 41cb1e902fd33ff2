/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This counts what inside hosts hold, and says what they may hold: sluice/abi/account.h. */
#ifndef SLUICE_BPF_LIB_ACCOUNT_H
#define SLUICE_BPF_LIB_ACCOUNT_H

#include "lib/packet.h"
#include "lib/port.h"
#include "lib/settings.h"
#include "maps/maps.h"

static __always_inline struct sl_account *sl_account_at(__u32 account)
{
	return bpf_map_lookup_elem(&sl_accounts, &account);
}

static __always_inline __u32 *sl_account_sessions(struct sl_account *account, __u8 family)
{
	return family == AF_INET ? &account->sessions4 : &account->sessions6;
}

/* Finds the account of the host with this address, which is behind this port. */
static __always_inline __u32 sl_account_of(const struct sl_port *port, const union sl_addr *addr,
					   __u16 domain)
{
	const struct sl_settings *settings = sl_settings_now();
	sl_word words[] = {
	    (__u64)addr->w[0] << 32 | addr->w[1],
	    (__u64)addr->w[2] << 32 | addr->w[3],
	    domain,
	};

	if (port && port->role == SL_ROLE_ACCESS)
		return port->id;
	if (!settings)
		return SL_ACCOUNT_HOST;
	return SL_ACCOUNT_HASHED +
	       sl_hash(words, 3, &settings->flow_seed) % (SL_ACCOUNTS - SL_ACCOUNT_HASHED);
}

/*
 * Finds out who pays for the session that is planned, which comes in by the one port and leaves by
 * the other: who opens it, unless that is somebody outside or the host; then whom it is for. 0: it
 * is the host's, or the port is not known. Global: the verifier looks once.
 */
__noinline __u32 sl_account_payer(const struct sl_packet *pkt, const struct sl_flow *flow,
				  __u32 in_port, __u32 out_port)
{
	const struct sl_port *in = sl_port_of_id(in_port), *out = sl_port_of_id(out_port);
	union sl_addr source, destination;

	if (!pkt || !flow)
		return SL_ACCOUNT_HOST;
	sl_packet_addrs(pkt, &source, &destination);
	if (in && in->role != SL_ROLE_UPLINK)
		return sl_account_of(in, &source, sl_packet_domain(pkt));
	if (sl_packet_kind(pkt) == SL_KIND_COUNTED &&
	    (!out || out->role == SL_ROLE_UPLINK || out->role == SL_ROLE_INTERNAL))
		return SL_ACCOUNT_HOST;
	if (pkt->family == AF_INET)
		destination = sl_mapped(flow->daddr);
	return sl_account_of(out, &destination, flow->out_domain);
}

/*
 * May whoever holds `held` have one more, while so many are free?
 * @param limit 0: none is set
 */
static __always_inline bool sl_account_may(const struct sl_settings *settings, __u32 held,
					   __u32 free, __u32 limit)
{
	return (!settings->host_share || held < free) && (!limit || held < limit);
}

#endif
