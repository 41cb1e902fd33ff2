/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SLUICE_BPF_LIB_VERDICT_H
#define SLUICE_BPF_LIB_VERDICT_H

/*
 * What a stage decides. The values overlap neither XDP_* nor TC_ACT_*, so that one can't be
 * returned for the other by mistake: only the exit of an entry point translates.
 */
enum sl_verdict {
	SL_CONTINUE = 0x5100, /* undecided: the next stage */
	SL_FORWARD,	      /* rewritten, complete, ready to be sent by `hop` */
	SL_REPLY,	      /* to be answered by an ICMP error; sl_packet.reason says why */
	SL_PASS,	      /* not ours: to the kernel as it came */
	SL_DROP,	      /* sl_packet.reason says why */
	SL_HELD,	      /* it waits for the first fragment of its packet */
	SL_ENDED,	      /* the packet's session is over: there is none that it belongs to */
	SL_SPECIAL,	      /* undecided: a closer look is needed */
	/* What becomes of a frame that is counted by now: */
	SL_SENT,  /* a helper was told where it goes */
	SL_SPENT, /* copies of it were sent; the frame itself is to be freed */
	/* Whose it is next, on TC: */
	SL_TO_ROUTE,   /* sl_route_parts() */
	SL_TO_KERNEL,  /* sl_tc_pass() */
	SL_TO_GATEWAY, /* sl_tc_gateway() */
	SL_TO_HOST,    /* sl_tc_host() */
};

#endif
