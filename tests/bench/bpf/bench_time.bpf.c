// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What runs a program over and over on warm caches: BPF_PROG_TEST_RUN would give it the frame as
 * the run before left it, so each frame is made anew before the program is called. With no program
 * named the making alone runs.
 */
#include "frame.h"

#define BENCH_TARGET(name)                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} name SEC(".maps")

BENCH_TARGET(bench_target_tc);
BENCH_TARGET(bench_target_xdp);

/*
 * Takes off the tag that the program added, if it did, and puts on the one that the frame is to
 * come with. Done whether needed or not, so that all frames cost the same to make.
 */
static __always_inline bool retag(struct __sk_buff *ctx)
{
	if (bpf_skb_vlan_pop(ctx))
		return false;
	return !conf.vlan || !bpf_skb_vlan_push(ctx, bpf_htons(ETH_P_8021Q), conf.vlan);
}

/* Likewise: the frame begins where it began, though a tag was added or taken off. */
static __always_inline bool rewind(struct xdp_md *ctx)
{
	long length = (void *)(long)ctx->data_end - (void *)(long)ctx->data;

	barrier_var(length); /* the verifier wants the pointers subtracted first, as 64 bits */
	return !bpf_xdp_adjust_head(ctx, length - conf.size);
}

SEC("tc")
int bench_time_tc(struct __sk_buff *ctx)
{
	if (!retag(ctx) || !next_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return -1;
	ctx->tc_index = 0; /* where sluice marks what it has sent on */
	bpf_tail_call(ctx, &bench_target_tc, 0);
	return -1;
}

SEC("xdp.frags")
int bench_time_xdp(struct xdp_md *ctx)
{
	if (!rewind(ctx) || !next_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		return XDP_ABORTED;
	bpf_tail_call(ctx, &bench_target_xdp, 0);
	return XDP_ABORTED;
}

char _license[] SEC("license") = "GPL";
