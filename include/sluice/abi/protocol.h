/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPPROTO_*, of the kernel's headers or of the C library's: the two can't be mixed. */
#ifndef SLUICE_ABI_PROTOCOL_H
#define SLUICE_ABI_PROTOCOL_H

#ifdef __bpf__
#include <linux/in.h>
#include <linux/in6.h>
#else
#include <netinet/in.h>
#endif

#endif
