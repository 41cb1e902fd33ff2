// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sink: counts what arrives and drops it. Told to check, it also looks whether each
 * packet of the sender came whole, in order, routed and translated; that costs too much to
 * be on while speed is measured.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include "traffic.h"

const volatile bool check;
/* Others' packets are left to the host: all but IPv4 UDP to the generator's port. */
const volatile bool beside;
/* The senders' network: a source in it was not translated. Host order; IPv6: the last word. */
const volatile __u32 inside, inside_mask;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_seen);
} bench_seen SEC(".maps");

/* The highest sequence seen of each flow; made for BENCH_ORDER_FLOWS when checking. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} bench_order SEC(".maps");

/* Ones' complement sum (RFC 1071) of the 16-bit words in [from, end), at most `max`. */
static __always_inline __u16 sum_words(__u64 sum, void *from, void *end, __u32 max)
{
	for (__u32 i = 0; i < max && from + 2 <= end; i++, from += 2)
		sum += *(__u16 *)from;
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline void check_order(struct bench_seen *seen, const struct bench_stamp *stamp)
{
	__u32 flow = stamp->flow % BENCH_ORDER_FLOWS;
	__u64 *highest = bpf_map_lookup_elem(&bench_order, &flow);

	if (!highest)
		return;
	if (stamp->sequence < *highest)
		seen->reordered++;
	else
		*highest = stamp->sequence;
}

/* addresses: source and destination, `words` 16-bit words in all. */
static __always_inline void check_udp(struct bench_seen *seen, void *addresses, __u32 words,
				      struct udphdr *udp, void *end)
{
	struct bench_stamp *stamp = (void *)(udp + 1);
	__u16 sum;

	if ((void *)(stamp + 1) > end || stamp->magic != BENCH_MAGIC) {
		seen->foreign++;
		return;
	}
	sum = sum_words(bpf_htons(IPPROTO_UDP) + udp->len, addresses, udp, words);
	if (sum_words(sum, udp, end, BENCH_MAX_SIZE / 2) != 0xffff)
		seen->bad_checksum++;
	check_order(seen, stamp);
}

static __always_inline void check_source(struct bench_seen *seen, __be32 source, __u8 ttl)
{
	if ((bpf_ntohl(source) & inside_mask) == inside)
		seen->untranslated++;
	if (ttl == BENCH_TTL)
		seen->unrouted++;
}

static __always_inline void check_packet(struct bench_seen *seen, void *data, void *end)
{
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = (void *)(eth + 1);
	struct iphdr *ip = (void *)(eth + 1);

	if ((void *)(ip + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP) &&
	    ip->protocol == IPPROTO_UDP && ip->ihl == 5) {
		if (sum_words(0, ip, ip + 1, sizeof(*ip) / 2) != 0xffff)
			seen->bad_checksum++;
		check_source(seen, ip->saddr, ip->ttl);
		check_udp(seen, &ip->saddr, 4, (void *)(ip + 1), end);
	} else if ((void *)(ip6 + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IPV6) &&
		   ip6->nexthdr == IPPROTO_UDP) {
		check_source(seen, ip6->saddr.in6_u.u6_addr32[3], ip6->hop_limit);
		check_udp(seen, &ip6->saddr, 16, (void *)(ip6 + 1), end);
	} else {
		seen->foreign++;
	}
}

static __always_inline bool of_generator(void *data, void *end)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);

	return (void *)(udp + 1) <= end && ip->protocol == IPPROTO_UDP &&
	       udp->dest == bpf_htons(BENCH_PORT);
}

SEC("xdp")
int bench_sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data;
	void *end = (void *)(long)ctx->data_end;
	struct bench_seen *seen;
	__u32 zero = 0;

	if (beside && !of_generator(data, end))
		return XDP_PASS;
	seen = bpf_map_lookup_elem(&bench_seen, &zero);
	if (!seen)
		return XDP_ABORTED;
	seen->packets++;
	seen->bytes += end - data;
	if (check)
		check_packet(seen, data, end);
	return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
