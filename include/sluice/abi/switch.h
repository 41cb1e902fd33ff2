/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Switching: which VLANs a port is in, and the table of MAC addresses. A port with SL_PORT_SWITCHED
 * belongs to the switch: what enters by it is routed (if it is for the gateway of its VLAN),
 * switched, flooded or dropped, and never left to the kernel as it came.
 */
#ifndef SLUICE_ABI_SWITCH_H
#define SLUICE_ABI_SWITCH_H

#include "sluice/abi/hash.h"
#include "sluice/abi/stats.h"
#include "sluice/abi/types.h"

#define SL_VLANS    4096u /* by VLAN id; 0 and 4095 are none (IEEE 802.1Q section 9.6) */
#define SL_VLAN_MAX 4094u

enum sl_vlan_mode {
	SL_VLAN_NONE = 0,
	SL_VLAN_ACCESS = 1, /* untagged, in VLAN pvid; priority tags are taken off */
	SL_VLAN_TRUNK = 2,  /* tagged 802.1Q; untagged frames are in VLAN pvid, if that is not 0 */
	/*
	 * 802.1ad customer port: whatever enters, tagged or not, is in VLAN pvid, its own tags
	 * kept; where it leaves by a trunk with SL_SWITCH_STAG it gets an outer tag 0x88a8.
	 */
	SL_VLAN_TUNNEL = 3,
};

enum sl_switch_flag {
	SL_SWITCH_LEARN = 1 << 0,     /* source MACs are learned */
	SL_SWITCH_FLOOD = 1 << 1,     /* unknown unicast is sent to it, too */
	SL_SWITCH_MULTICAST = 1 << 2, /* multicast is */
	SL_SWITCH_BROADCAST = 1 << 3, /* broadcast is */
	/*
	 * Private VLANs (RFC 5517): an isolated port exchanges frames with promiscuous ports alone,
	 * one of a community with those of its community, too. Neither flag and community 0:
	 * promiscuous.
	 */
	SL_SWITCH_ISOLATED = 1 << 4,
	SL_SWITCH_LOCKED = 1 << 5, /* drops what comes from a MAC that the table has not there */
	SL_SWITCH_BPDU_FORWARD = 1 << 6, /* BPDUs pass between ports that have this flag */
	SL_SWITCH_BPDU_SHUT = 1 << 7,	 /* a BPDU that enters shuts the port */
	SL_SWITCH_LOOP_BLOCK = 1 << 8,	 /* a loop found blocks it for SL_LOOP_BLOCK_SECONDS ... */
	SL_SWITCH_LOOP_SHUT = 1 << 9,	 /* ... or until somebody opens it */
	SL_SWITCH_TRANSLATE = 1 << 10,	 /* has entries in sl_vlan_maps */
	SL_SWITCH_STAG = 1 << 11,	 /* TRUNK: the outer tag is 802.1ad (0x88a8), both ways */
	SL_SWITCH_PCP_MAP = 1 << 12,	 /* the priority of what enters becomes pcp[it] */
};

enum sl_storm_kind {
	SL_STORM_BROADCAST = 0,
	SL_STORM_MULTICAST = 1,
	SL_STORM_UNKNOWN = 2, /* unicast to a MAC that the table has not */
	SL_STORM_MAX = 3,
};

/*
 * Map sl_switch_ports (array), index: port id. Written by the loader alone. What a frame that only
 * passes needs is in the first cache line.
 */
struct sl_switch_port {
	__u32 flags;	 /* enum sl_switch_flag */
	__u32 ifindex;	 /* 0: no such port, or not switched */
	__u32 mtu;	 /* bytes, without the Ethernet header and the outer tag */
	__u16 pvid;	 /* see enum sl_vlan_mode */
	__u16 community; /* 0 = none */
	__u8 mode;	 /* enum sl_vlan_mode */
	__u8 role;	 /* enum sl_role */
	__u8 zero[2];
	__u8 pcp[8];		   /* SL_SWITCH_PCP_MAP */
	__u32 mac_limit;	   /* learned MACs it may have; 0 = no limit */
	__u32 storm[SL_STORM_MAX]; /* packets a second, bucket of a tenth of it; 0 = no limit */
	__u32 zeros[5];
	__u64 vlans[SL_VLANS / 64]; /* TRUNK: the VLANs it is in, the native one as well; by id */
};
SL_STATIC_ASSERT(sizeof(struct sl_switch_port) == 64 + 512, "sl_switch_port is 576 bytes");

/* This says why a port that is to be closed is closed. */
enum sl_closed {
	SL_OPEN = 0,
	SL_CLOSED_BPDU = 1,
	SL_CLOSED_LOOP = 2,
};

#define SL_LOOP_BLOCK_SECONDS 30u
#define SL_CLOSED_FOR_GOOD    0xffffffffu

/* Map sl_switch_states (array), index: port id. Kept by the datapath; the loader opens ports. */
struct sl_switch_state {
	__u64 probe_cookie; /* random, of the probes that leave by it; 0 = none yet */
	__u32 closed_until; /* epoch second in jiffies (sluice/abi/types.h); 0 = open */
	__u16 closed_by;    /* the other port of a loop; 0 = unknown */
	__u8 closed;	    /* enum sl_closed */
	__u8 zero;
	__u32 learned;			/* learned MACs now; atomic */
	__u32 probe_tick;		/* when the last loop probe left by it; 0 = never */
	__u32 storm_tick[SL_STORM_MAX]; /* 0 = never used */
	__u32 storm_left[SL_STORM_MAX]; /* packets, in thousandths */
};
SL_STATIC_ASSERT(sizeof(struct sl_switch_state) == 48, "sl_switch_state is 48 bytes");

/*
 * Map sl_vlans (array), index: VLAN id. Written by the loader alone. The gateway of a VLAN is the
 * host's end of an internal port; without one l3_ifindex is 0 and nothing is routed.
 */
struct sl_vlan {
	__u32 l3_ifindex;
	__u32 mtu;    /* of the gateway, bytes without the Ethernet header */
	__u8 mac[6];  /* of the gateway: frames sent to it are routed */
	__u16 port;   /* id of the internal port that leads to the host; 0 = none */
	__be32 addr4; /* source of ICMP errors; 0 = none */
	__u32 vni; /* 24 bits: VXLAN network of this VLAN; 0 = none. Kept for the tunnel to come */
	union sl_addr addr6; /* of IPv6; all zero = none */
};
SL_STATIC_ASSERT(sizeof(struct sl_vlan) == 40, "sl_vlan is 40 bytes");

/* Map sl_vlan_members (array), index: VLAN id. The ports that are in it, by id. */
struct sl_vlan_members {
	__u64 ports[SL_MAX_PORTS / 64];
};

/* Map sl_vlan_maps (hash): a trunk's wire id <-> the switch's, each direction an entry. */
struct sl_vlan_map_key {
	__u16 port;
	__u16 vlan;   /* as it is before the translation */
	__u32 egress; /* 0: what enters; 1: what leaves */
};

/* Map sl_vlan_stats (per-CPU array), index: VLAN id: what became of the frames that entered in it.
 */
enum sl_vlan_count {
	SL_VLAN_SWITCHED = 0, /* to one port */
	SL_VLAN_FLOODED = 1,  /* to all others; counted once */
	SL_VLAN_ROUTED = 2,
	SL_VLAN_DROPPED = 3,
	SL_VLAN_COUNTS = 4,
};
struct sl_vlan_stats {
	struct sl_counter counts[SL_VLAN_COUNTS];
};

/*
 * Map sl_fdb, the MAC table: an array of buckets of a cache line each (mapped by the loader), in
 * which a MAC of a VLAN is found in one of SL_FDB_CHOICES. A slot is taken by an atomic exchange of
 * its key, by the datapath or the loader; it is given up by the sweeper alone. Whoever else wants
 * an entry gone sets `seen` to 0, and it is as unknown as one that is older than
 * sl_settings.mac_age.
 */
#define SL_FDB_SLOTS	 4u
#define SL_FDB_CHOICES	 8u
#define SL_FDB_MAC_BITS	 48
#define SL_FDB_STATIC	 0xffffffffu /* sl_fdb.seen: by the administrator; neither ages nor moves */
#define SL_FDB_FORGOTTEN 0u	     /* sl_fdb.seen: to be removed */

struct sl_fdb {
	__u64 key;     /* MAC, the first byte the lowest | VLAN id << 48; 0 = the slot is free */
	__u32 seen;    /* epoch second (in jiffies) of the last frame from it */
	__u16 port;    /* id; 0 = being made */
	__u16 counted; /* id of the port that counts it as learned, 0 = none; changes with `port` */
};

struct sl_fdb_bucket {
	struct sl_fdb slots[SL_FDB_SLOTS];
};
SL_STATIC_ASSERT(sizeof(struct sl_fdb_bucket) == 64, "sl_fdb_bucket is a cache line");

/*
 * Makes the number that the buckets of a key are parts of. The factor is odd and secret: the upper
 * bits of such a product are the same for two numbers with few factors, whichever they are
 * (Dietzfelbinger's multiplicative hashing).
 */
SL_INLINE __u64 sl_fdb_hash(__u64 key, const struct sl_seed *seed)
{
	key = sl_hash_fold(key ^ seed->words[0]) * (seed->words[1] | 1);
	key = sl_hash_fold(key) * 0xc4ceb9fe1a85ec53ull; /* MurmurHash3's */
	return sl_hash_fold(key);
}

/*
 * Tells the bucket where a key is looked for in turn, from 0 to SL_FDB_CHOICES - 1. Nearly all are
 * in the first one that is not full of others.
 * @param mask number of buckets, which is a power of two, less one (sl_settings.fdb_mask)
 */
SL_INLINE __u32 sl_fdb_choice(__u64 hash, __u32 turn, __u32 mask)
{
	return ((__u32)(hash >> 32) + turn * ((__u32)hash | 1)) & mask;
}

/*
 * Map sl_mac_moves (LRU hash), key: as sl_fdb.key. It has MACs that were seen on another port than
 * before.
 */
struct sl_mac_moves {
	__u32 tick;  /* of the first of `moves` */
	__u16 from;  /* the port before the last move */
	__u16 moves; /* to and fro within the second from `tick` on */
};

/* A MAC that goes to and fro between two ports so often within a second is in a loop. */
#define SL_LOOP_MOVES 8u

/*
 * The loop probe is 60 bytes, broadcast, sent after a flooded frame but at most twice a second by a
 * port. Who gets it back has found a loop. A VM sees the cookie of its own port alone, so that it
 * can't name another's.
 */
#define SL_PROBE_ETHERTYPE 0x88b5 /* IEEE Std 802 local experimental ethertype 1 */
#define SL_PROBE_MAGIC	   0x736c6c70u

struct sl_probe {
	__be32 magic;
	__be16 port; /* id of the port it left by */
	__be16 vlan;
	__u64 cookie; /* sl_switch_state.probe_cookie */
};
SL_STATIC_ASSERT(sizeof(struct sl_probe) == 16, "sl_probe is 16 bytes");

/*
 * Map sl_shortcuts (LRU hash) has what a Linux bridge was seen to do with a frame between two ports
 * of ours (SL_PORT_SHORTCUT), without tags. For SL_SHORTCUT_TICKS the like is sent the same way
 * past it; then the bridge has its say again. Only while both ends talk: so the bridge knows where
 * each is, and a flooded frame is not taken for one that has a single destination.
 */
struct sl_shortcut_key {
	__u64 dst;  /* MAC, the first byte the lowest */
	__u64 from; /* source MAC | id of the port it entered by << 48 */
};
SL_STATIC_ASSERT(sizeof(struct sl_shortcut_key) == 16, "sl_shortcut_key is 16 bytes");

struct sl_shortcut {
	__u32 tick;    /* at which the bridge was last seen to send one */
	__u32 ifindex; /* of the port by which it did */
	__u16 port;    /* id of that port */
	__u16 both;    /* 1: the other end was heard as well, within SL_SHORTCUT_BOTH_TICKS */
	__u32 zero;
};
SL_STATIC_ASSERT(sizeof(struct sl_shortcut) == 16, "sl_shortcut is 16 bytes");

#define SL_SHORTCUTS	       16384u
#define SL_SHORTCUT_TICKS      95u   /* 100 ms */
#define SL_SHORTCUT_BOTH_TICKS 9537u /* 10 s, less than a bridge remembers a MAC */

#endif
