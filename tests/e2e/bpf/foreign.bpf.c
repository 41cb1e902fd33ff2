// SPDX-License-Identifier: GPL-2.0-or-later
/* Somebody else's programs: they count what they see and leave it to whoever comes next. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} foreign_count SEC(".maps");

static void count(void)
{
	__u64 *value = bpf_map_lookup_elem(&foreign_count, &(__u32){0});

	if (value)
		__sync_fetch_and_add(value, 1);
}

SEC("tc")
int foreign_tc(struct __sk_buff *skb)
{
	count();
	return TC_ACT_UNSPEC;
}

SEC("xdp")
int foreign_xdp(struct xdp_md *ctx)
{
	count();
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
