/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports: map sl_ports, written by the loader alone; sl_account.ifindex has the interface of each
 * id. Every packet looks its port up, so the map is an array (whose look-up is inlined) used as a
 * hash table: the entry of an interface is in one of the SL_PORT_WINDOW slots from ifindex %
 * SL_PORT_SLOTS on. A slot with ifindex 0 is empty.
 */
#ifndef SLUICE_ABI_PORT_H
#define SLUICE_ABI_PORT_H

#include "sluice/abi/types.h"

#define SL_PORT_SLOTS  2048u
#define SL_PORT_WINDOW 4u

enum sl_role {
	SL_ROLE_NONE = 0,
	SL_ROLE_ACCESS = 1, /* one VM, untagged */
	SL_ROLE_TRUNK = 2,  /* tagged, an allow-list of VLANs */
	SL_ROLE_UPLINK = 3, /* towards the outside */
	/*
	 * Not a port: the bridge that an attached tap is enslaved to. Packets may leave
	 * through it; no program of ours runs on it. Its id is 0.
	 */
	SL_ROLE_SEGMENT = 4,
	/* Our end of a veth pair whose other end is the host's interface in a VLAN: its gateway. */
	SL_ROLE_INTERNAL = 5,
};

enum sl_port_flag {
	SL_PORT_XDP = 1 << 0,	       /* the XDP fast path forwards what enters here */
	SL_PORT_XDP_NO_TCP = 1 << 1,   /* ... but leaves TCP to TC (physical NICs: GRO pays more) */
	SL_PORT_XDP_TARGET = 1 << 2,   /* proved able to receive XDP redirects; in sl_xdp_targets */
	SL_PORT_SIGHT = 1 << 3,	       /* MACs that enter here are looked up in sl_leases */
	SL_PORT_GUARD_EGRESS = 1 << 4, /* the guard looks at what leaves, too */
	SL_PORT_SWITCHED = 1 << 5,     /* belongs to the switch: sluice/abi/switch.h */
	SL_PORT_SHORTCUT = 1 << 6,     /* of a bridge: known unicast may go past it */
	SL_PORT_TRACK = 1 << 7,	       /* what is switched or the host's has flows as well */
	SL_PORT_STRICT4 = 1 << 8,      /* sources must be behind it by the host's routes */
	SL_PORT_STRICT6 = 1 << 9,      /* the same for IPv6 */
	/*
	 * The interface has addresses, and the host forwarded nothing by it before sluice came:
	 * what it forwards now goes to ports only. One bit for each family.
	 */
	SL_PORT_NARROW4 = 1 << 14,
	SL_PORT_NARROW6 = 1 << 15,
};

struct sl_port {
	__u32 ifindex;
	__u32 l3_ifindex; /* where its IP addresses are: the bridge it is enslaved to, or itself */
	__u16 id;	  /* 1..SL_MAX_PORTS-1; index of its counters */
	__u16 domain;	  /* L2 domain: VLAN id, 0 = none */
	__u16 flags;	  /* enum sl_port_flag */
	__u16 guard;	  /* index into sl_guards; 0 = none */
	/* Router MAC: frames sent to it are routed (MAC of l3_ifindex). Read as 8 bytes at once. */
	__u8 mac[6];
	__u16 qos; /* enum sl_qos_flag, sluice/abi/qos.h */
	__u16 mtu; /* bytes, without the Ethernet header; no Ethernet device has more */
	__u8 role; /* enum sl_role */
	__u8 spare;
	/* Sources of ICMP errors sent out of this port; 0 = none, as of switched ports. */
	__be32 addr4;
	union sl_addr addr6;
};
SL_STATIC_ASSERT(sizeof(struct sl_port) == 48, "sl_port is 48 bytes");
SL_STATIC_ASSERT(__builtin_offsetof(struct sl_port, mac) % 8 == 0, "the MAC begins a word");

#endif
