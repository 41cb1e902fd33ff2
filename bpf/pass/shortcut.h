/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shortcut goes past a Linux bridge (TC): what the bridge itself sends from one port of ours by
 * another is watched at the way out, and the like is redirected at the way in for a tenth of a
 * second (sluice/abi/switch.h). So the bridge stays in charge of who may talk to whom.
 */
#ifndef SLUICE_BPF_PASS_SHORTCUT_H
#define SLUICE_BPF_PASS_SHORTCUT_H

#include "lib/packet.h"
#include "lib/port.h"
#include "lib/time.h"
#include "lib/l2.h"

/* Makes the key of an untagged frame to one station. False for all others. */
static __always_inline bool sl_shortcut_key(struct __sk_buff *ctx, __u16 in,
					    struct sl_shortcut_key *key)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx) || ctx->vlan_present ||
	    sl_is_tpid(sl_ethertype(eth)))
		return false;
	key->dst = sl_eth_dest(eth);
	key->from = sl_eth_source(eth) | (__u64)in << 48;
	return !(key->dst & 1);
}

/* Has the other end been heard, by the port that this frame leaves by? */
static __always_inline bool sl_shortcut_heard(const struct sl_shortcut_key *key, __u16 in,
					      __u16 out, __u32 now)
{
	struct sl_shortcut_key back = {
	    .dst = key->from & 0xffffffffffffull,
	    .from = key->dst | (__u64)out << 48,
	};
	const struct sl_shortcut *shortcut = bpf_map_lookup_elem(&sl_shortcuts, &back);

	return shortcut && shortcut->port == in && now - shortcut->tick < SL_SHORTCUT_BOTH_TICKS;
}

/* Notes, at egress, that the bridge sends a frame by `out` that entered by another port of it. */
static __noinline void sl_shortcut_learn(struct __sk_buff *ctx, const struct sl_port *out)
{
	const struct sl_port *in = sl_port_find(ctx->ingress_ifindex);
	struct sl_shortcut shortcut = {.tick = sl_tick_now()};
	struct sl_shortcut_key key;

	if (!in || in == out || !(in->flags & SL_PORT_SHORTCUT) ||
	    in->l3_ifindex != out->l3_ifindex || !sl_shortcut_key(ctx, in->id, &key))
		return;
	shortcut.ifindex = out->ifindex;
	shortcut.port = out->id;
	shortcut.both = sl_shortcut_heard(&key, in->id, out->id, shortcut.tick);
	bpf_map_update_elem(&sl_shortcuts, &key, &shortcut, BPF_ANY);
}

/* Would the bridge send the frame? It sends nothing that is longer than the port's MTU. */
static __always_inline bool sl_shortcut_fits(struct __sk_buff *ctx, const struct sl_port *out)
{
	__u32 len = 0;

	if (!ctx_is_gso(ctx))
		return ctx_len(ctx) - ETH_HLEN <= out->mtu;
	return bpf_check_mtu(ctx, out->ifindex, &len, 0, BPF_MTU_CHK_SEGS) ==
	       BPF_MTU_CHK_RET_SUCCESS;
}

/* Finds, at ingress, where the bridge would send this frame. NULL: let the bridge do so. */
static __noinline const struct sl_port *sl_shortcut_find(struct __sk_buff *ctx,
							 const struct sl_port *in)
{
	const struct sl_shortcut *shortcut;
	const struct sl_port *out;
	struct sl_shortcut_key key;

	if (!sl_shortcut_key(ctx, in->id, &key))
		return NULL;
	shortcut = bpf_map_lookup_elem(&sl_shortcuts, &key);
	if (!shortcut || !shortcut->both || sl_tick_now() - shortcut->tick >= SL_SHORTCUT_TICKS)
		return NULL;
	out = sl_port_find(shortcut->ifindex);
	if (!out || out->id != shortcut->port || !(out->flags & SL_PORT_SHORTCUT) ||
	    out->l3_ifindex != in->l3_ifindex || !sl_shortcut_fits(ctx, out))
		return NULL;
	return out;
}

#endif
