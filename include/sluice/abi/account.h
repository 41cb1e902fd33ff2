/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who pays: what each inside host holds of what all share, so that none takes what the others need.
 *
 * Map sl_accounts, index: the id of an access port, behind which one VM is; 0: the host itself;
 * from SL_ACCOUNT_HASHED on, by a hash with the instance's secret, the address of a host behind any
 * other port (two hosts may so share an account). A session is paid by the inside host that opened
 * it, or by the one that it was opened to from outside.
 *
 * A host gets another session, or another port of a NAT pool, while it holds fewer than are free
 * (sl_settings.host_share): one alone holds half of all at most, two a third each, and there is
 * always room for who has none. Fixed limits may stand beside that.
 */
#ifndef SLUICE_ABI_ACCOUNT_H
#define SLUICE_ABI_ACCOUNT_H

#include "sluice/abi/nat.h"
#include "sluice/abi/types.h"

#define SL_ACCOUNTS	  16384u
#define SL_ACCOUNT_HOST	  0u
#define SL_ACCOUNT_HASHED SL_MAX_PORTS
#define SL_ACCOUNT_ANY	  0xffffffffu /* no account: of whichever */

/* The datapath counts, by atomic additions; the loader writes the interface alone. */
struct sl_account {
	__u32 ifindex; /* of a port's account: the interface that has the id; 0 = none */
	__u32 sessions4, sessions6;
	__u32 ports[SL_L4_COUNT]; /* of all NAT pools, by enum sl_l4 */
};
SL_STATIC_ASSERT(sizeof(struct sl_account) == 24, "sl_account is 24 bytes");

#endif
