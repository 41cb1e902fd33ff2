/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every frame goes through this before anything is done for it: parser, guard, sightings, and for
 * whom it is.
 */
#ifndef SLUICE_BPF_ROUTE_ENTER_H
#define SLUICE_BPF_ROUTE_ENTER_H

#include "lib/parse.h"
#include "lib/port.h"
#include "guard/guard.h"
#include "guard/sight.h"

/* Asks guard and sightings about a parsed frame: as sl_enter(). */
static __always_inline enum sl_verdict sl_enter_watched(struct sl_ctx *ctx,
							const struct sl_port *port,
							const struct sl_sender *sender,
							struct sl_packet *pkt)
{
	enum sl_verdict verdict = SL_CONTINUE;

	if (sender->guard)
		verdict = sl_guard(ctx, port, sender, pkt);
	if (verdict == SL_CONTINUE)
		verdict = sl_sight(ctx, port, pkt);
	if (verdict != SL_CONTINUE)
		return verdict;
	return sl_for_router(ctx, port) ? SL_CONTINUE : SL_PASS;
}

/*
 * Looks at a frame that sl_guard_at_sight() has let pass, and describes it in *pkt, which is zero
 * before. Where nobody watches, frames that are not for us are not even parsed.
 * SL_CONTINUE: it is an IP packet for the router that may enter. SL_DROP: pkt->reason says that it
 * is refused, or damaged, which TC alone judges. SL_PASS: it is not ours.
 */
static __always_inline enum sl_verdict sl_enter(struct sl_ctx *ctx, const struct sl_port *port,
						const struct sl_sender *sender,
						struct sl_packet *pkt)
{
	bool watched = sender->guard || (port->flags & SL_PORT_SIGHT);
	enum sl_verdict parsed, verdict;

	if (!watched && !sl_for_router(ctx, port))
		return SL_PASS;
	parsed = sl_parse(ctx, pkt, port->domain);
	if (watched) {
		verdict = sl_enter_watched(ctx, port, sender, pkt);
		if (verdict != SL_CONTINUE)
			return verdict;
	}
	if (parsed == SL_DROP && !ctx_is_last())
		return SL_PASS;
	return parsed;
}

#endif
