/* SPDX-License-Identifier: GPL-2.0-only */
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
};

#endif
