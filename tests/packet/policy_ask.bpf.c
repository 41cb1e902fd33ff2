// SPDX-License-Identifier: GPL-2.0-or-later
/* Asks the policy what is in the map, as the datapath does for the first packet of a session. */
#include "ctx/skb.h"
#include "policy/policy.h"

SL_MAP(BPF_MAP_TYPE_ARRAY, asked, __u32, struct sl_policy_query, 64, 0);

/* Which of them is asked: the frame's length less 64. */
SEC("tc")
int ask_policy(struct __sk_buff* ctx) {
    __u32 number = ctx->len - 64;
    struct sl_policy_query* query = bpf_map_lookup_elem(&asked, &number);

    return query ? sl_policy_decide(query) : -1;
}

/* For what the question costs: all of them in turn. */
SEC("tc")
int ask_in_turn(struct __sk_buff* ctx) {
    __u32 number = bpf_get_prandom_u32() & 63;
    struct sl_policy_query* query = bpf_map_lookup_elem(&asked, &number);

    return query ? sl_policy_decide(query) : -1;
}

SEC("tc")
int ask_nothing(struct __sk_buff* ctx) {
    __u32 number = bpf_get_prandom_u32() & 63;

    return bpf_map_lookup_elem(&asked, &number) ? 0 : -1;
}

char LICENSE[] SEC("license") = "GPL";
