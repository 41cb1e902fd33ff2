// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sender. BPF_PROG_TEST_RUN with live frames runs it once for each frame; it makes the
 * frame a packet of the next flow and sends it out of an interface.
 */
#include "frame.h"

/*
 * Nanoseconds of CLOCK_MONOTONIC: when the first packet was made, and when packet
 * marked_turn was, at which time all before it had gone all their way.
 */
__u64 started, marked, marked_turn;

/* The call's own preparations and clean-up take some 30 ms: the time counts from packet to packet.
 */
static __always_inline void mark_time(void)
{
	if (turn % BENCH_BATCH)
		return;
	marked = bpf_ktime_get_ns();
	marked_turn = turn;
	if (!turn)
		started = marked;
}

/* At a given rate frames come back unused until it is time for one. */
static __always_inline bool due(void)
{
	return !conf.gap || !turn || bpf_ktime_get_ns() - started >= turn * conf.gap;
}

SEC("xdp")
int bench_send(struct xdp_md *ctx)
{
	if (!due())
		return XDP_DROP;
	mark_time();
	if (!next_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	return bpf_redirect(conf.ifindex, 0);
}

char _license[] SEC("license") = "GPL";
