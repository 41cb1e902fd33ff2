/* SPDX-License-Identifier: GPL-2.0-or-later */
/* clang-format off */
/*
 * The context vocabulary. A stage is written once against these names; ctx/skb.h and ctx/xdp.h
 * each implement them for their hook, and an entry point includes exactly one of the two. What a
 * hook can't do it does not define, so a stage that asks for it there fails to build.
 *
 *   struct sl_ctx                 the hook's own context type
 *   ctx_data, ctx_data_end        the directly readable bytes
 *   ctx_len(ctx)                  bytes of the whole frame, from the Ethernet header on
 *   ctx_ifindex(ctx)              the interface the program runs on
 *   ctx_is_gso(ctx)               a device is to cut it into segments
 *   ctx_gso_size(ctx)             payload of each segment, 0 if it is not
 *   ctx_vlan_offloaded(ctx)       how many tags stand beside the frame, not in it
 *   ctx_vlan_vid(ctx)             VID of that tag, 0 without one
 *   ctx_vlan_tag(ctx, bytes)      the four bytes it has on the wire
 *   ctx_vlan_beside(ctx)          the same as a number: TPID << 16 | TCI, 0 without one
 *   ctx_is_last()                 no other hook judges the frame after this one
 *   ctx_load_bytes(ctx, o, p, n)  copies bytes of the frame, wherever they are, or an error
 *   ctx_fib_lookup(ctx, fib, f)   asks the kernel's routes: lib/fib.h
 *   ctx_host_takes(ctx, l3)       the kernel takes the frame's destination for its own; XDP: never
 *   ctx_make_linear(ctx, n)       the first n bytes are readable, or an error
 *   ctx_segment_len(ctx, pkt)     L3 length of the longest packet that this one becomes
 *   ctx_l4_csum_replace(...)      mends the L4 checksum, partial or complete (TC)
 *   ctx_l4_csum_complete(ctx, p)  completes a partial one (XDP)
 *   ctx_redirect(ctx, hop)        sends it on; the value to return
 */
/* clang-format on */
#ifndef SLUICE_BPF_CTX_COMMON_H
#define SLUICE_BPF_CTX_COMMON_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
/* <linux/icmp.h> wants IFNAMSIZ alone of <linux/if.h>, which would pull in the C library. */
#define _LINUX_IF_H
#define IFNAMSIZ 16
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/igmp.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * This is the shortest packet there is: it makes the kernel report the route's MTU and refuse none.
 */
#define SL_FIB_PROBE_LEN 20

#define AF_INET	 2
#define AF_INET6 10

#define VLAN_VID_MASK 0x0fff /* linux/if_vlan.h does not export them */
#define VLAN_HLEN     4

#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))
#define likely(x)	 __builtin_expect(!!(x), 1)
#define unlikely(x)	 __builtin_expect(!!(x), 0)
/* The compiler's order is enough where the CPU keeps loads in order (x86). */
#define barrier() asm volatile("" ::: "memory")
/* The compiler knows nothing of v's value behind this. */
#ifndef barrier_var
#define barrier_var(v) asm volatile("" : "+r"(v))
#endif

/*
 * A packet pointer, which the context shows as 32 bits and the verifier knows to be 64. The
 * compiler would widen an earlier load a second time, which makes a number of the pointer.
 */
#define ctx_pointer(ctx, off)                                                                      \
	({                                                                                         \
		void *pointer;                                                                     \
		asm volatile("%0 = *(u32 *)(%1 + %2)" : "=r"(pointer) : "r"(ctx), "i"(off));       \
		pointer;                                                                           \
	})

#endif
