/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This asks for the host's own sockets. */
#ifndef SLUICE_BPF_LIB_SOCKET_H
#define SLUICE_BPF_LIB_SOCKET_H

#include "lib/packet.h"

/*
 * Would a socket of the host take a packet of this tuple? Only TCP and UDP are asked for.
 * @param size that of the tuple's family
 */
static __always_inline bool sl_socket_takes(struct sl_ctx *ctx, __u8 proto,
					    struct bpf_sock_tuple *tuple, __u32 size)
{
	struct bpf_sock *sock;

	if (proto == IPPROTO_TCP)
		sock = bpf_skc_lookup_tcp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	else if (proto == IPPROTO_UDP)
		sock = bpf_sk_lookup_udp(ctx, tuple, size, BPF_F_CURRENT_NETNS, 0);
	else
		return false;
	if (!sock)
		return false;
	bpf_sk_release(sock);
	return true;
}

#endif
