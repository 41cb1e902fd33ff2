/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Here is every map of an instance, but for those of one stage alone, which stand there. Both BPF
 * objects include this file; the loader makes the maps once, pins each under its name, and lets
 * later loads reuse the pins. A max_entries of 1 marks a capacity that the loader sets from the
 * instance's settings.
 */
#ifndef SLUICE_BPF_MAPS_MAPS_H
#define SLUICE_BPF_MAPS_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/abi/account.h"
#include "sluice/abi/block.h"
#include "sluice/abi/detect.h"
#include "sluice/abi/event.h"
#include "sluice/abi/flow_table.h"
#include "sluice/abi/guard.h"
#include "sluice/abi/instance.h"
#include "sluice/abi/lease.h"
#include "sluice/abi/nat.h"
#include "sluice/abi/policy.h"
#include "sluice/abi/port.h"
#include "sluice/abi/qos.h"
#include "sluice/abi/reason.h"
#include "sluice/abi/rules.h"
#include "sluice/abi/stats.h"
#include "sluice/abi/switch.h"

#define SL_MAP(map_type, map_name, key_type, value_type, entries, flags)                           \
	struct {                                                                                   \
		__uint(type, map_type);                                                            \
		__uint(max_entries, entries);                                                      \
		__uint(map_flags, flags);                                                          \
		__type(key, key_type);                                                             \
		__type(value, value_type);                                                         \
	} map_name SEC(".maps")

/* Flows, mapped by the loader: sluice/abi/flow_table.h. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flows4, __u32, struct sl_flow4, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flows6, __u32, struct sl_flow6, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_births4, __u32, struct sl_birth, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_turns, __u32, __u32, SL_FLOW_TURNS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_groups4, __u32, union sl_flow_group, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_groups6, __u32, union sl_flow_group, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_passed, __u32, __u32, 2 * SL_FLOW_PASSES, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_nexthops, __u32, struct sl_nexthop, SL_NEXTHOP_SLOTS, 0);

SL_MAP(BPF_MAP_TYPE_ARRAY, sl_rules, __u32, struct sl_rules, 1, BPF_F_MMAPABLE);

SL_MAP(BPF_MAP_TYPE_ARRAY, sl_ports, __u32, struct sl_port, SL_PORT_SLOTS, 0);
/* Mapped by the loader, whose changes must leave the datapath's alone. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_accounts, __u32, struct sl_account, SL_ACCOUNTS, BPF_F_MMAPABLE);
/* Map sl_xdp_targets: ports that XDP may redirect to, by id: those proved able to receive. */
SL_MAP(BPF_MAP_TYPE_DEVMAP, sl_xdp_targets, __u32, __u32, SL_MAX_PORTS, 0);

SL_MAP(BPF_MAP_TYPE_LPM_TRIE, sl_masquerades, struct sl_masq_key, struct sl_masq, 4096,
       BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_pools, __u32, struct sl_pool, SL_MAX_POOLS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_externals, __u32, union sl_addr, SL_MAX_EXTERNALS, 0);
/* Mapped by the loader, whose updates must be as atomic as the datapath's. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_port_bits, __u32, struct sl_port_bits, SL_L4PORT_SPACES,
       BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_pool_stats, __u32, struct sl_pool_stats, SL_L4PORT_SPACES, 0);
SL_MAP(BPF_MAP_TYPE_HASH, sl_bindings, struct sl_binding_key, struct sl_binding, 1, 0);
SL_MAP(BPF_MAP_TYPE_HASH, sl_forwards, struct sl_forward_key, struct sl_forward, 262144,
       BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_forwarded_ports, __u32, __u64, 2 * SL_FORWARDED_WORDS,
       BPF_F_MMAPABLE);

SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_port_stats, __u32, struct sl_port_stats, SL_MAX_PORTS, 0);
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_drops, __u32, struct sl_counter, SL_DROP_SLOTS, 0);

/* Map sl_audits: what the guards would have dropped on --audit; indexed as sl_drops. */
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_audits, __u32, struct sl_counter, SL_DROP_SLOTS, 0);

SL_MAP(BPF_MAP_TYPE_ARRAY, sl_guards, __u32, struct sl_guard, SL_GUARDS, 0);
SL_MAP(BPF_MAP_TYPE_LPM_TRIE, sl_guard_prefixes, struct sl_guard_prefix, __u32, 65536,
       BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_guard_states, __u32, struct sl_guard_state, SL_MAX_PORTS, 0);
SL_MAP(BPF_MAP_TYPE_HASH, sl_learned_macs, struct sl_port_mac, struct sl_learned_mac, 65536,
       BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_HASH, sl_learned_addrs, struct sl_port_addr, struct sl_learned_addr, 65536,
       BPF_F_NO_PREALLOC);

SL_MAP(BPF_MAP_TYPE_HASH, sl_leases, struct sl_lease_key, struct sl_lease, 1, BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_mac_pools, __u32, struct sl_mac_pool, SL_MAX_MAC_POOLS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_sightings, __u32, __u64, SL_MAX_PORTS *SL_SIGHTINGS, 0);

/* Mapped by readers: sluice/abi/event.h. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_events, __u32, struct sl_event, SL_EVENTS, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_event_head, __u32, struct sl_event_head, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_event_limits, __u32, struct sl_event_limit,
       SL_MAX_PORTS *SL_EVENT_SUBJECTS, 0);

/* Mapped by readers: sluice/abi/flow.h. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_log, __u32, struct sl_flow_record, SL_FLOW_RECORDS,
       BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_flow_log_head, __u32, struct sl_flow_log_head, 1, BPF_F_MMAPABLE);

/* Sources that were found to be rightly where they came in: route/source.h. */
#define SL_SOURCES 4096u
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_sources, __u32, __u64, SL_SOURCES, 0);

/* First fragments seen: the ports that the later fragments of the packet do not carry. */
SL_MAP(BPF_MAP_TYPE_HASH, sl_fragments, struct sl_fragment_key, union sl_fragment_value,
       SL_MAX_PORTS * (2 * SL_FRAGMENTS + 1), BPF_F_NO_PREALLOC);

/* Later fragments that wait for their first one: route/hold.h. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_held, __u32, struct sl_held, SL_HELD_PORTS *SL_HELD_PLACES, 0);

/* Map sl_csum_scratch: where XDP sums a frame whose bytes it can't read directly. */
struct sl_csum_buffer {
	__u8 bytes[512 + 4];
};
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_csum_scratch, __u32, struct sl_csum_buffer, 1, 0);

/* The switch. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_switch_ports, __u32, struct sl_switch_port, SL_MAX_PORTS, 0);
/* Mapped by the loader, whose changes must leave the datapath's alone. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_switch_states, __u32, struct sl_switch_state, SL_MAX_PORTS,
       BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_vlans, __u32, struct sl_vlan, SL_VLANS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_vlan_members, __u32, struct sl_vlan_members, SL_VLANS, 0);
SL_MAP(BPF_MAP_TYPE_HASH, sl_vlan_maps, struct sl_vlan_map_key, __u32, 65536, BPF_F_NO_PREALLOC);
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_vlan_stats, __u32, struct sl_vlan_stats, SL_VLANS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_fdb, __u32, struct sl_fdb_bucket, 1, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_LRU_HASH, sl_mac_moves, __u64, struct sl_mac_moves, 4096, 0);
SL_MAP(BPF_MAP_TYPE_LRU_HASH, sl_shortcuts, struct sl_shortcut_key, struct sl_shortcut,
       SL_SHORTCUTS, 0);

/* Detection. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_detect_rules, __u32, struct sl_detect_rule, SL_DETECTOR_COUNT, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_detect, __u32, struct sl_detect, SL_DETECT_SLOTS, 0);

/* QoS. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_qos, __u32, struct sl_qos, SL_MAX_PORTS, 0);
/* Mapped by the loader, whose changes must be as atomic as the datapath's. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_qos_states, __u32, struct sl_qos_state, SL_MAX_PORTS, BPF_F_MMAPABLE);
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_qos_stats, __u32, struct sl_qos_stats, SL_MAX_PORTS, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_qos_rules, __u32, struct sl_qos_rules, 1, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_qos_intervals, __u32, struct sl_qos_intervals, 1, 0);
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_qos_class_stats, __u32, struct sl_qos_class_stats,
       SL_MAX_PORTS *SL_QOS_CLASSES_MAX, 0);

/* The block list. The kernel inlines look-ups of what always has the same size alone. */
struct sl_block_image {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SL_BLOCK_PARTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct sl_block_part));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct sl_block_image);
} sl_block SEC(".maps");

/* Map sl_block_lines: as many lines as the image takes: BPF_F_INNER_MAP (Linux 5.10). */
struct sl_block_some_lines {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct sl_block_line));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct sl_block_some_lines);
} sl_block_lines SEC(".maps");
SL_MAP(BPF_MAP_TYPE_HASH, sl_block_until, struct sl_block_key, struct sl_block_until,
       SL_BLOCK_UNTIL_MAX, BPF_F_NO_PREALLOC);
/* Mapped by the loader, whose changes must leave the datapath's alone. */
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_block_state, __u32, struct sl_block_state, 1, BPF_F_MMAPABLE);

/* The policy. Its images differ in size, too. */
struct sl_policy_image {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(union sl_policy_line));
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct sl_policy_image);
} sl_policy SEC(".maps");
SL_MAP(BPF_MAP_TYPE_PERCPU_ARRAY, sl_policy_hits, __u32, struct sl_policy_hit, SL_POLICY_HITS, 0);

SL_MAP(BPF_MAP_TYPE_ARRAY, sl_live, __u32, struct sl_live, 1, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_settings, __u32, struct sl_settings, 1, 0);
SL_MAP(BPF_MAP_TYPE_ARRAY, sl_stamp, __u32, struct sl_stamp, 1, 0);

#endif
