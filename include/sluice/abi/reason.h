/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a packet was dropped. One list: enum, name, meaning and mend stand together, and the
 * datapath, `sluice drops` and the documentation all take theirs from here.
 *
 * Map sl_drops (per-CPU array of struct sl_counter), index: port id * SL_DROP_MAX + reason,
 * where the port is the one the packet entered by, or was to leave by (tx).
 *
 * Names are part of the JSON schema: add at the end, never rename, never reuse.
 */
#ifndef SLUICE_ABI_REASON_H
#define SLUICE_ABI_REASON_H

#include "sluice/abi/types.h"

/* X(identifier, name, meaning, what to do about it) */
#define SL_DROP_REASONS(X)                                                                         \
	X(MALFORMED, "malformed", "a header is truncated or contradicts the packet's length",      \
	  "look at the sender; the packet was damaged before it came here")                        \
	X(TTL_EXCEEDED, "ttl-exceeded",                                                            \
	  "TTL or hop limit ran out; a sender is told by ICMP, up to 100 times a second",          \
	  "normal for traceroute; otherwise look for a routing loop")                              \
	X(TOO_BIG, "too-big",                                                                      \
	  "larger than the MTU of the way out and not to be fragmented; a "                        \
	  "sender is told by ICMP, up to 100 times a second",                                      \
	  "normal for path MTU discovery; otherwise make the MTUs of the ports agree")             \
	X(PORTS_EXHAUSTED, "ports-exhausted", "no external port was free for a new binding",       \
	  "`sluice nat pool show` tells how full it is; `sluice nat masquerade add` with more "    \
	  "--ports, or one more --address, makes room")                                            \
	X(FLOWS_FULL, "flows-full", "the flow table is full; live sessions are never evicted",     \
	  "`sluice down`, then `sluice up --max-flows N` with room for more")                      \
	X(BINDINGS_FULL, "bindings-full", "the binding table is full",                             \
	  "`sluice down`, then `sluice up --max-bindings N` with room for more")                   \
	X(NOT_TRANSLATABLE, "not-translatable",                                                    \
	  "a masqueraded source used a protocol that has no ports to translate",                   \
	  "only TCP, UDP and ICMP echo pass a masquerade; route this protocol without NAT")        \
	X(FRAGMENT_ORPHAN, "fragment-orphan",                                                      \
	  "a later IP fragment came whose first fragment was never seen",                          \
	  "normal after loss; otherwise lower the sender's packet size")                           \
	X(UNTRANSLATED, "untranslated",                                                            \
	  "a source inside a masqueraded network was about to leave an uplink untranslated",       \
	  "the kernel routed it past sluice: attach the interface it came from with `sluice "      \
	  "port add`")                                                                             \
	X(COLLISION, "collision", "the translated flow's tuple is in use by another session",      \
	  "a forward and a session claim the same external tuple; it clears when one ends")        \
	X(REWRITE_FAILED, "rewrite-failed", "the kernel refused to change or send the packet",     \
	  "usually memory pressure; see the interface's own error counters")                       \
	X(GUARD_MAC, "guard-mac", "the source MAC is not one of the port's",                       \
	  "`sluice guard show IF` lists them; `sluice mac bind MAC --vm VM --port IF` adds one")   \
	X(GUARD_STANDBY, "guard-standby", "the source MAC is in standby until its VM has moved",   \
	  "`sluice mac activate VM` when the VM runs here")                                        \
	X(GUARD_IP, "guard-ip", "the source address is not one of the port's",                     \
	  "`sluice guard set IF --address LIST` allows addresses and networks")                    \
	X(GUARD_ARP, "guard-arp", "an ARP packet claims a MAC or address that is not the port's",  \
	  "ARP spoofing, or an address missing from `sluice guard show IF`")                       \
	X(GUARD_ND, "guard-nd", "neighbour discovery claims an address that is not the port's",    \
	  "ND spoofing, or an address missing from `sluice guard show IF`")                        \
	X(GUARD_RA, "guard-ra", "a VM sent a router advertisement or an ICMP redirect",            \
	  "`sluice guard set IF --ra allow` if this VM is a router")                               \
	X(GUARD_DHCP_SERVER, "guard-dhcp-server", "a VM answered as a DHCP server",                \
	  "`sluice guard set IF --dhcp-server allow` if it is meant to be one")                    \
	X(GUARD_DHCP_CLIENT, "guard-dhcp-client",                                                  \
	  "a DHCP request asks for another MAC than it was sent from",                             \
	  "DHCP starvation, or a relay in the VM: `sluice guard set IF --dhcp-client off`")        \
	X(GUARD_DHCP_RATE, "guard-dhcp-rate", "more DHCP requests than the port may send",         \
	  "`sluice guard set IF --dhcp-rate N` allows N a second")                                 \
	X(GUARD_ETHERTYPE, "guard-ethertype", "neither IP nor ARP, and not on the allow list",     \
	  "`sluice guard set IF --ethertypes LIST` allows more")                                   \
	X(GUARD_TAG, "guard-tag", "a VLAN tag that the port has no use for",                       \
	  "VLAN hopping, or a port that should be a trunk: `sluice port set IF --role trunk`")     \
	X(GUARD_LLC, "guard-llc", "an 802.3 frame with a length in place of an ethertype",         \
	  "a way round filters (CVE-2021-27862); `sluice guard set IF --tags off` allows it")      \
	X(GUARD_FRAGMENT, "guard-fragment",                                                        \
	  "a fragment or header chain that hides what the packet is",                              \
	  "a way round filters (RFC 7112); `sluice guard set IF --fragments off` allows it")       \
	X(GUARD_DELIVERY, "guard-delivery",                                                        \
	  "a frame for a MAC that is not the port's was to leave by it",                           \
	  "normal for flooded frames; `sluice guard set IF --unknown-unicast on` delivers them")   \
	X(MAC_QUARANTINE, "mac-quarantine", "a MAC of a pool on a port that it was not given to",  \
	  "see `sluice mac list` for whose it is; `sluice mac bind` gives it to a VM")             \
	X(VLAN_TAGGED, "vlan-tagged", "a tag of a VLAN that the port is not in",                   \
	  "`sluice port set IF --vlans LIST` if it should be")                                     \
	X(VLAN_UNTAGGED, "vlan-untagged", "an untagged frame on a trunk without a native VLAN",    \
	  "`sluice port set IF --native-vlan N` if it should have one")                            \
	X(VLAN_RESERVED, "vlan-reserved", "VLAN id 4095, which stands for no VLAN",                \
	  "look at the sender: IEEE 802.1Q reserves the id")                                       \
	X(SWITCH_HAIRPIN, "switch-hairpin", "its destination is on the port that it entered by",   \
	  "normal for flooded frames of a segment behind the port")                                \
	X(SWITCH_NOWHERE, "switch-nowhere", "no other port is in the VLAN, or none may have it",   \
	  "see `sluice switch vlan list` for who is in it")                                        \
	X(SWITCH_ISOLATED, "switch-isolated", "the two ports are isolated from each other",        \
	  "`sluice switch port set IF --isolation promiscuous` if they should not be")             \
	X(SWITCH_LOCKED, "switch-locked", "a MAC that a locked port was not given",                \
	  "`sluice switch fdb add MAC --vlan N --port IF` adds it")                                \
	X(SWITCH_MAC_LIMIT, "switch-mac-limit", "more MACs than the port may have",                \
	  "`sluice switch port set IF --mac-limit N`, or look for a MAC flood")                    \
	X(SWITCH_STATIC, "switch-static", "a MAC that was given to another port",                  \
	  "`sluice switch fdb list` says to which")                                                \
	X(SWITCH_RESERVED, "switch-reserved",                                                      \
	  "a link-local frame (01:80:c2:00:00:0x), which no bridge forwards",                      \
	  "normal: LLDP, pause frames, 802.1X and the like end at the port")                       \
	X(SWITCH_BPDU, "switch-bpdu", "a spanning tree frame from a port that sends none",         \
	  "find the bridge behind the port; `sluice switch port set IF --bpdu forward` lets it")   \
	X(SWITCH_CLOSED, "switch-closed", "the port is closed because of a loop or a BPDU",        \
	  "`sluice switch port show IF` says why; `sluice switch port open IF` opens it")          \
	X(SWITCH_PROBE, "switch-probe", "a loop probe of this instance came back",                 \
	  "two ports lead to the same segment: `sluice events` names them")                        \
	X(SWITCH_STORM, "switch-storm",                                                            \
	  "more broadcast, multicast or unknown unicast than the port may send",                   \
	  "`sluice switch port set IF --storm-broadcast N` (or multicast, unknown) allows more")   \
	X(SWITCH_MTU, "switch-mtu", "longer than the MTU of the port that it was to leave by",     \
	  "give the ports of a VLAN the same MTU: `ip link set IF mtu N`")                         \
	X(QOS_RATE, "qos-rate", "more bytes than the rate of what enters by the port allows",      \
	  "`sluice qos show IF` tells how much; `sluice qos set IF --ingress-rate R` allows more") \
	X(QOS_PPS, "qos-pps", "more packets a second than may enter by the port",                  \
	  "`sluice qos set IF --pps R` allows more")                                               \
	X(QOS_EGRESS, "qos-egress",                                                                \
	  "more than the rate of what leaves by the port allows, and longer than a frame may "     \
	  "wait there",                                                                            \
	  "`sluice qos set IF --egress-rate R` allows more, --latency lets frames wait longer")    \
	X(DETECTED, "detected", "it would have begun more flows than a detector allows",           \
	  "`sluice detect list` says which; `sluice detect set NAME --threshold N` allows more")   \
	X(BLOCKED, "blocked", "its source or its destination is on the block list",                \
	  "`sluice block list` shows the sets; `sluice block del CIDR` takes one off")             \
	X(POLICY_DENY, "policy-deny", "a rule or a default of the policy denies it",               \
	  "`sluice policy test` says which rule; `sluice policy hits` counts what each denied")    \
	X(POLICY_REJECT, "policy-reject",                                                          \
	  "a rule or a default of the policy rejects it; the sender was told",                     \
	  "`sluice policy test` says which rule; `sluice policy hits` counts what each denied")    \
	X(ICMP_UNRELATED, "icmp-unrelated",                                                        \
	  "an ICMP error about no flow that is known, while a policy is in force",                 \
	  "normal for errors that come late; otherwise somebody makes them up")                    \
	X(SOURCE, "source",                                                                        \
	  "its source can't be where it came in, by the host's routes, or is the host's own",      \
	  "`sluice port show IF` says how sources are checked; `sluice port set IF "               \
	  "--source-check loose` allows asymmetric routes")                                        \
	X(SOURCE_ROUTED, "source-routed",                                                          \
	  "it carries its own route (RFC 7126 section 4.3, RFC 5095)",                             \
	  "look at the sender: nothing honest source-routes today")                                \
	X(HOST_QUOTA, "host-quota",                                                                \
	  "its inside host holds as many sessions or NAT ports as are free: the rest is others'",  \
	  "look what it does with them (`sluice flow top`); `sluice up --host-share off`, or "     \
	  "more "                                                                                  \
	  "room by --max-flows and --ports")                                                       \
	X(NOT_FORWARDED, "not-forwarded",                                                          \
	  "it came from an uplink for an address inside a masqueraded network, past all forwards", \
	  "`sluice nat forward add` lets a port in; `sluice port set IF --routable CIDR` lets "    \
	  "the "                                                                                   \
	  "network be routed as it is")                                                            \
	X(NO_WAY_BACK, "no-way-back",                                                              \
	  "an answer has no route by the uplink that its session came in by",                      \
	  "add a route by that uplink, or a rule for its address: `ip rule add from ADDRESS "      \
	  "lookup N`")                                                                             \
	X(POLICY_HIDDEN, "policy-hidden",                                                          \
	  "its headers can't be read as far as a rule of the policy may ask",                      \
	  "more tags or extension headers than anybody needs, or IP in LLC/SNAP: look at the "     \
	  "sender")                                                                                \
	X(OUTSIDE, "outside",                                                                      \
	  "for a network that is no port's, and the host did not forward there before the port "   \
	  "was added",                                                                             \
	  "`sluice port add` the interface towards it, or let the host forward (`sysctl "          \
	  "net.ipv4.ip_forward=1`) and add the port anew")

enum sl_drop {
	SL_DROP_NONE = 0,
#define SL_DROP_ENUM(id, name, meaning, mend) SL_DROP_##id,
	SL_DROP_REASONS(SL_DROP_ENUM)
#undef SL_DROP_ENUM
	    SL_DROP_COUNT,
};

/* There is room for reasons to come without a change of map layout. */
#define SL_DROP_MAX   64u
#define SL_DROP_SLOTS (SL_MAX_PORTS * SL_DROP_MAX)

#endif
