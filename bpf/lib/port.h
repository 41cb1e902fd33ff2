/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_PORT_H
#define SLUICE_BPF_LIB_PORT_H

#include "lib/packet.h"
#include "maps/maps.h"

/* Finds the port of this interface, or NULL. See sluice/abi/port.h for the table. */
static __always_inline const struct sl_port *sl_port_find(__u32 ifindex)
{
#pragma unroll
	for (__u32 i = 0; i < SL_PORT_WINDOW; i++) {
		__u32 slot = (ifindex + i) % SL_PORT_SLOTS;
		const struct sl_port *port = bpf_map_lookup_elem(&sl_ports, &slot);

		if (port && port->ifindex == ifindex)
			return port;
	}
	return NULL;
}

/* Finds the port with this id, or NULL. */
static __always_inline const struct sl_port *sl_port_of_id(__u32 id)
{
	const struct sl_account *account = bpf_map_lookup_elem(&sl_accounts, &id);
	__u32 ifindex = account ? READ_ONCE(account->ifindex) : 0;

	return ifindex ? sl_port_find(ifindex) : NULL;
}

/* Finds the switch's side of the port with this id, or NULL. */
static __always_inline const struct sl_switch_port *sl_switch_port_of(__u32 id)
{
	return bpf_map_lookup_elem(&sl_switch_ports, &id);
}

/*
 * Is the frame for the router, which we stand in for? Anything else is the bridge's business. The
 * port's MAC is what the loader saw: where it does not fit, the kernel is asked.
 */
static __always_inline bool sl_for_router(struct sl_ctx *ctx, const struct sl_port *port)
{
	struct ethhdr *eth = ctx_data(ctx);

	if ((void *)(eth + 1) > ctx_data_end(ctx))
		return false;
	return sl_eth_dest(eth) == sl_load_mac(port->mac) || ctx_host_takes(ctx, port->l3_ifindex);
}

#endif
