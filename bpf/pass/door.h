/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door (loader/kernel/door.cpp) lets a frame of a port pass only with the mark that is set
 * here, on what sluice leaves to the kernel: where no program of ours runs, nothing enters.
 */
#ifndef SLUICE_BPF_PASS_DOOR_H
#define SLUICE_BPF_PASS_DOOR_H

#include "lib/fib.h"
#include "lib/packet.h"
#include "lib/port.h"
#include "lib/settings.h"
#include "maps/maps.h"

/* Sets the door's bit of the mark; the other bits are others'. */
static __always_inline void sl_door_mark(struct __sk_buff *ctx)
{
	const struct sl_settings *settings = sl_settings_now();

	if (settings && settings->door_mark)
		ctx->mark |= settings->door_mark;
}

/*
 * Would the host forward the packet to a network that is no port's, only because sluice has let it
 * forward? It is asked about what is for the router and left to the kernel: `port` has the
 * interface that the packet is routed from. The door's chain stops what the kernel sends elsewhere
 * than its FIB says here; this one counts it where it entered, and needs no nftables.
 */
static __noinline bool sl_leaves_ports(struct __sk_buff *ctx, const struct sl_port *port,
				       const struct sl_packet *pkt)
{
	const struct sl_port *l3 = sl_port_find(port->l3_ifindex);
	__u16 narrow = pkt->family == AF_INET ? SL_PORT_NARROW4 : SL_PORT_NARROW6;
	struct bpf_fib_lookup fib = {.ifindex = port->l3_ifindex};

	if (!pkt->family || !l3 || !(l3->flags & narrow))
		return false;
	sl_fib_of(&fib, pkt, false);
	return sl_fib_found(ctx_fib_lookup(ctx, &fib, 0)) && !sl_port_find(fib.ifindex);
}

#endif
