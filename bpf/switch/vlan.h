/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This tells in which VLAN a frame is that enters the switch, and which tag it has when it leaves
 * (IEEE 802.1Q-2022 sections 6.9 and 9.6; 802.1ad tunnels).
 */
#ifndef SLUICE_BPF_SWITCH_VLAN_H
#define SLUICE_BPF_SWITCH_VLAN_H

#include "lib/l2.h"
#include "maps/maps.h"

static __always_inline bool sl_vlan_has(const struct sl_switch_port *sp, __u16 vid)
{
	if (sp->mode != SL_VLAN_TRUNK)
		return vid == sp->pvid;
	return sp->vlans[vid / 64 % (SL_VLANS / 64)] >> (vid % 64) & 1;
}

static __always_inline const __u32 *sl_vlan_map(__u16 port, __u16 vid, bool egress)
{
	struct sl_vlan_map_key key = {.port = port, .vlan = vid, .egress = egress};

	return bpf_map_lookup_elem(&sl_vlan_maps, &key);
}

/* Finds the switch's id of a trunk's tag; 0: the trunk has no use for it. */
static __always_inline __u16 sl_vlan_from_wire(const struct sl_switch_port *sp, __u16 port,
					       __u16 wire)
{
	const __u32 *vid;

	if (likely(!(sp->flags & SL_SWITCH_TRANSLATE)))
		return wire;
	vid = sl_vlan_map(port, wire, false);
	if (vid)
		return *vid;
	/* What this VLAN is called on the wire is another id. */
	return sl_vlan_map(port, wire, true) ? 0 : wire;
}

static __always_inline enum sl_drop sl_vlan_enter_trunk(const struct sl_switch_port *sp, __u16 port,
							struct sl_l2 *l2)
{
	__u16 tpid = sp->flags & SL_SWITCH_STAG ? ETH_P_8021AD : ETH_P_8021Q;

	if (l2->tag && SL_TAG_TPID(l2->tag) != tpid)
		return SL_DROP_VLAN_TAGGED;
	l2->vid = sp->pvid;
	if (SL_TAG_VID(l2->tag)) {
		l2->vid = sl_vlan_from_wire(sp, port, SL_TAG_VID(l2->tag));
		if (!l2->vid)
			return SL_DROP_VLAN_TAGGED;
	} else if (!l2->vid) {
		return SL_DROP_VLAN_UNTAGGED;
	}
	if (sl_vlan_has(sp, l2->vid))
		return SL_DROP_NONE;
	l2->vid = 0; /* in no VLAN, and counted in none */
	return SL_DROP_VLAN_TAGGED;
}

/*
 * Finds the VLAN of what enters by an access port, which takes untagged and priority-tagged frames.
 * A second tag behind the priority tag would come to light when that is taken off.
 */
static __always_inline enum sl_drop sl_vlan_enter_access(const struct sl_switch_port *sp,
							 struct sl_l2 *l2)
{
	if (l2->tag && (SL_TAG_VID(l2->tag) || l2->inner || SL_TAG_TPID(l2->tag) != ETH_P_8021Q))
		return SL_DROP_VLAN_TAGGED;
	l2->vid = sp->pvid;
	return SL_DROP_NONE;
}

/* Finds the VLAN of a frame that enters. Returns the reason against it, if there is one. */
static __always_inline enum sl_drop sl_vlan_enter(const struct sl_switch_port *sp, __u16 port,
						  struct sl_l2 *l2)
{
	enum sl_drop why = SL_DROP_NONE;

	l2->pri = SL_TAG_PRI(l2->tag);
	if (sp->mode == SL_VLAN_TUNNEL) { /* its tags are its own */
		l2->inner = l2->tag;
		l2->tag = 0;
		l2->vid = sp->pvid;
	} else if (l2->tag && SL_TAG_VID(l2->tag) == VLAN_VID_MASK) {
		why = SL_DROP_VLAN_RESERVED;
	} else if (sp->mode == SL_VLAN_TRUNK) {
		why = sl_vlan_enter_trunk(sp, port, l2);
	} else {
		why = sl_vlan_enter_access(sp, l2);
	}
	if (sp->flags & SL_SWITCH_PCP_MAP)
		l2->pri = (sp->pcp[l2->pri >> 1 & 7] & 7) << 1 | (l2->pri & 1);
	return why;
}

/*
 * Tells the tag with which the frame leaves by this port. The native VLAN has none, unless what
 * stands behind it is a tag: the next switch would take that for the frame's own ("double
 * tagging").
 */
static __always_inline __u32 sl_vlan_leave(const struct sl_switch_port *sp, __u16 port,
					   const struct sl_l2 *l2)
{
	__u16 tpid = sp->flags & SL_SWITCH_STAG ? ETH_P_8021AD : ETH_P_8021Q, wire = l2->vid;
	const __u32 *mapped;

	if (sp->mode != SL_VLAN_TRUNK || (l2->vid == sp->pvid && !l2->inner))
		return 0;
	if (unlikely(sp->flags & SL_SWITCH_TRANSLATE)) {
		mapped = sl_vlan_map(port, wire, true);
		if (mapped)
			wire = *mapped;
	}
	return SL_TAG(tpid, (__u32)l2->pri << 12 | wire);
}

#endif
