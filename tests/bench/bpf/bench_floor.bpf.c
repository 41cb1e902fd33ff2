// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The floors: programs that send on, or drop, every packet unread. Nothing that does so at the
 * same hook can be faster.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 out_ifindex;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_out SEC(".maps");

SEC("tc")
int bench_floor_tc(struct __sk_buff *skb)
{
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp.frags")
int bench_floor_xdp(struct xdp_md *ctx)
{
	return bpf_redirect_map(&bench_out, 0, XDP_DROP);
}

SEC("xdp.frags")
int bench_drop_xdp(struct xdp_md *ctx)
{
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
