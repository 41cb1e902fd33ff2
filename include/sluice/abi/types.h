/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types shared by the BPF programs (C) and the loader (C++): one definition of
 * everything that crosses the kernel line. Every struct's size is asserted, and
 * SL_ABI_VERSION is raised by any change of a layout or of a field's meaning.
 *
 * Byte order is in the type: __be16/__be32 hold network order, __uNN host order.
 * The numbers are plain integers to C++ too; no conversion happens on the way.
 */
#ifndef SLUICE_ABI_TYPES_H
#define SLUICE_ABI_TYPES_H

#include <linux/types.h>

#ifdef __cplusplus
#define SL_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define SL_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif

/* Functions of both sides are inline. In a BPF program a call takes longer than what they do. */
#ifdef __bpf__
#define SL_INLINE static inline __attribute__((always_inline))
#else
#define SL_INLINE static inline
#endif

#define SL_ABI_VERSION 13u

/*
 * An IPv4 or IPv6 address in network order. IPv4 is kept IPv4-mapped,
 * ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so one type serves both families.
 */
union sl_addr {
	__u8 b[16];
	__be32 w[4];
};
SL_STATIC_ASSERT(sizeof(union sl_addr) == 16, "sl_addr is 16 bytes");

/*
 * A tick is 2^20 ns (1.048576 ms) of CLOCK_MONOTONIC, kept modulo 2^32 (52 days):
 * compare ticks by unsigned subtraction only.
 */
#define SL_TICK_SHIFT 20

/* An epoch second is 2^30 ns (1.073741824 s) of CLOCK_MONOTONIC; it never wraps. */
#define SL_EPOCH_SHIFT 30

#define SL_MAX_PORTS	 1024u /* port ids are 1..1023; id 0 means "no port" */
#define SL_MAX_POOLS	 256u  /* NAT pools of one instance */
#define SL_MAX_EXTERNALS 256u  /* external addresses of all NAT pools together */

#endif
