/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This is what both hooks have in common of switching: what a frame goes through before it is
 * switched, and to which ports it may go.
 */
#ifndef SLUICE_BPF_SWITCH_SWITCH_H
#define SLUICE_BPF_SWITCH_SWITCH_H

#include "guard/guard.h"
#include "lib/count.h"
#include "switch/learn.h"
#include "guard/sight.h"
#include "switch/storm.h"
#include "switch/vlan.h"

/*
 * Asks the guard of a port that has one: as sl_enter(). Frames of other ports are not even parsed.
 */
static __always_inline enum sl_verdict
sl_switch_guard(struct sl_ctx *ctx, const struct sl_port *port, struct sl_packet *pkt)
{
	struct sl_sender sender = {};
	enum sl_drop why = sl_guard_at_sight(ctx, port, &sender);

	if (why || !sender.guard)
		return why ? sl_refuse(pkt, why) : SL_CONTINUE;
	sl_parse(ctx, pkt, 0);
	return sl_guard(ctx, port, &sender, pkt);
}

/*
 * Are the ports kept apart? Neither of two isolated ports, nor of two communities, hears the other
 * (RFC 5517).
 */
static __always_inline bool sl_switch_isolated(const struct sl_switch_port *a,
					       const struct sl_switch_port *b)
{
	bool a_isolated = a->flags & SL_SWITCH_ISOLATED, b_isolated = b->flags & SL_SWITCH_ISOLATED;

	if (likely(!a_isolated && !b_isolated && (!a->community || !b->community)))
		return false;
	if ((!a_isolated && !a->community) || (!b_isolated && !b->community))
		return false;
	return a_isolated || b_isolated || a->community != b->community;
}

/*
 * Finds the port that a frame for a known MAC goes to, with its id in *to. NULL: *why is the reason
 * why it may not go there; or without one, the MAC is not known, or its port is closed or no longer
 * in the VLAN.
 */
static __always_inline const struct sl_switch_port *sl_switch_find(const struct sl_port *port,
								   const struct sl_switch_port *sp,
								   const struct sl_l2 *l2,
								   __u16 *to, enum sl_drop *why)
{
	__u16 id = sl_fdb_port(l2);
	const struct sl_switch_port *out = sl_switch_port_of(id);
	const struct sl_switch_state *state = sl_switch_state_of(id);

	*why = SL_DROP_NONE;
	*to = id;
	if (!id || !out || !state || !out->ifindex || !sl_vlan_has(out, l2->vid) ||
	    sl_is_closed(state))
		return NULL;
	if (id == port->id)
		*why = SL_DROP_SWITCH_HAIRPIN;
	else if (sl_switch_isolated(sp, out))
		*why = SL_DROP_SWITCH_ISOLATED;
	return *why ? NULL : out;
}

#endif
