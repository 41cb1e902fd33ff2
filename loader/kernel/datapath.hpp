// SPDX-License-Identifier: GPL-2.0-or-later
// An instance's maps and programs in the kernel: made, opened, taken away.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/kernel/block_slot.hpp"
#include "loader/kernel/bpffs.hpp"
#include "loader/kernel/fdb_table.hpp"
#include "loader/kernel/flow_table.hpp"
#include "loader/kernel/link.hpp"
#include "loader/kernel/map.hpp"
#include "loader/kernel/netns.hpp"
#include "loader/kernel/policy_map.hpp"
#include "loader/kernel/port_table.hpp"
#include "loader/kernel/rules_map.hpp"
#include "loader/kernel/tc.hpp"
#include "loader/kernel/xdp.hpp"
#include "sluice/abi/block.h"
#include "sluice/abi/detect.h"
#include "sluice/abi/event.h"
#include "sluice/abi/flow.h"
#include "sluice/abi/guard.h"
#include "sluice/abi/instance.h"
#include "sluice/abi/lease.h"
#include "sluice/abi/nat.h"
#include "sluice/abi/port.h"
#include "sluice/abi/qos.h"
#include "sluice/abi/stats.h"
#include "sluice/abi/switch.h"
#include "sluice/model/settings.hpp"

namespace sluice {

/// X(name, type): every pinned map that user space reads or writes, by its name without `sl_`; the
/// flow tables are mapped where they are needed (Datapath::flows4()). The one list of members,
/// their opening and the building of Maps, so that two of one type can't be swapped.
#define SL_EACH_MAP(X)                                                                             \
    X(nexthops, Map<__u32, sl_nexthop>)                                                            \
    X(ports, PortTable)                                                                            \
    X(xdp_targets, Map<__u32, __u32>) /* devmap: port id -> ifindex */                             \
    X(masquerades, Map<sl_masq_key, sl_masq>)                                                      \
    X(pools, Map<__u32, sl_pool>)                                                                  \
    X(externals, Map<__u32, sl_addr>)                                                              \
    X(port_bits, MappedArray<sl_port_bits>)  /* index: external * SL_L4_COUNT + enum sl_l4 */      \
    X(pool_stats, Map<__u32, sl_pool_stats>) /* likewise */                                        \
    X(bindings, Map<sl_binding_key, sl_binding>)                                                   \
    X(forwards, Map<sl_forward_key, sl_forward>)                                                   \
    X(forwarded_ports, MappedArray<__u64>)     /* index: external port / 64 */                     \
    X(port_stats, CounterArray<sl_port_stats>) /* index: port id */                                \
    X(drops, CounterArray<sl_counter>)         /* index: port id * SL_DROP_MAX + reason */         \
    X(audits, CounterArray<sl_counter>)        /* likewise */                                      \
    X(guards, Map<__u32, sl_guard>)            /* index: sl_port.guard */                          \
    X(guard_prefixes, Map<sl_guard_prefix, __u32>)                                                 \
    X(guard_states, Map<__u32, sl_guard_state>) /* index: port id */                               \
    X(learned_macs, Map<sl_port_mac, sl_learned_mac>)                                              \
    X(learned_addrs, Map<sl_port_addr, sl_learned_addr>)                                           \
    X(leases, Map<sl_lease_key, sl_lease>)                                                         \
    X(mac_pools, Map<__u32, sl_mac_pool>) /* index: 0 on, up to the first unused */                \
    X(sightings, Map<__u32, __u64>)       /* index: port id * SL_SIGHTINGS + hash of the MAC */    \
    X(events, MappedArray<sl_event>)                                                               \
    X(event_head, MappedArray<sl_event_head>) /* index: 0 */                                       \
    X(flow_log, MappedArray<sl_flow_record>)                                                       \
    X(flow_log_head, MappedArray<sl_flow_log_head>) /* index: 0 */                                 \
    X(event_limits, Map<__u32, sl_event_limit>) /* index: port id * SL_EVENT_SUBJECTS + subject */ \
    X(switch_ports, Map<__u32, sl_switch_port>) /* index: port id */                               \
    X(switch_states, MappedArray<sl_switch_state>) /* likewise */                                  \
    X(vlans, Map<__u32, sl_vlan>)                  /* index: VLAN id */                            \
    X(vlan_members, Map<__u32, sl_vlan_members>)   /* likewise */                                  \
    X(vlan_maps, Map<sl_vlan_map_key, __u32>)                                                      \
    X(vlan_stats, CounterArray<sl_vlan_stats>) /* index: VLAN id */                                \
    X(fdb, FdbTable)                                                                               \
    X(detect_rules, Map<__u32, sl_detect_rule>)    /* index: enum sl_detector */                   \
    X(qos, Map<__u32, sl_qos>)                     /* index: port id */                            \
    X(qos_states, MappedArray<sl_qos_state>)       /* likewise */                                  \
    X(qos_stats, CounterArray<sl_qos_stats>)       /* likewise */                                  \
    X(qos_rules, Map<__u32, sl_qos_rules>)         /* index: 0 */                                  \
    X(qos_intervals, Map<__u32, sl_qos_intervals>) /* index: 0 */                                  \
    X(qos_class_stats,                                                                             \
      CounterArray<sl_qos_class_stats>) /* index: port id * SL_QOS_CLASSES_MAX + class */          \
    X(block, BlockSlot)                 /* the block list's image */                               \
    X(block_until, Map<sl_block_key, sl_block_until>)                                              \
    X(block_state, MappedArray<sl_block_state>) /* index: 0 */                                     \
    X(policy, PolicyMap)                        /* index: 0 */                                     \
    X(rules, RulesMap)                          /* by what sessions are decided */                 \
    X(policy_hits, CounterArray<sl_policy_hit>) /* index: bit + 1; 0 = nothing decided */          \
    X(live, Map<__u32, sl_live>)                /* index: 0; sessions and bindings there are */    \
    X(settings, Map<__u32, sl_settings>)        /* index: 0 */                                     \
    X(stamp, Map<__u32, sl_stamp>)              /* index: 0 */

struct Maps {
#define SL_MEMBER(name, ...) __VA_ARGS__ name;
    SL_EACH_MAP(SL_MEMBER)
#undef SL_MEMBER
};

/// How many entries the loader gives a map that the BPF objects leave open.
struct MapCapacity {
    const char* map;
    std::uint32_t entries;  ///< at least 1
};
[[nodiscard]] std::vector<MapCapacity> map_capacities(const Settings& settings);

/// Durations to ticks, rounded up, and sizes of the tables. flow_seed is left to the caller.
[[nodiscard]] sl_settings settings_in_ticks(const Settings& settings);

/// Now, in ticks of CLOCK_MONOTONIC (sl_flow.last_seen).
[[nodiscard]] __u32 now_tick();

/// Now, in epoch seconds of CLOCK_MONOTONIC (sl_flow.created, sl_fdb.seen).
[[nodiscard]] __u32 now_epoch();
constexpr double epoch_second = static_cast<double>(1 << SL_EPOCH_SHIFT) / 1e9;  ///< in seconds

/// The step of the kernel's coarse clocks.
[[nodiscard]] std::chrono::nanoseconds jiffy_length();

class Datapath {
public:
    /// Loads everything into a folder of its own, writes sl_settings and sl_stamp, starts the
    /// sweeper and only then renames it to the instance's folder: an instance's pins exist
    /// wholly or not at all. What an interrupted create() left behind is removed first.
    /// Errors: refused (already up), permission, unsupported, failed (verifier log's end).
    [[nodiscard]] static Result<Datapath> create(std::string_view instance,
                                                 const Settings& settings);

    /// Errors: not_found (not up), refused (pins made by another version; touches nothing).
    [[nodiscard]] static Result<Datapath> open(std::string_view instance);

    /// Whether the instance has pins. Needs a mounted bpffs to find any.
    [[nodiscard]] static bool exists(std::string_view instance);

    /// Tells whether open() would take the maps of an instance that exists.
    [[nodiscard]] static bool is_of_this_version(std::string_view instance);

    /// Removes every pin, of whatever version: with the last attachment the kernel frees
    /// programs and maps. Detach first: XDP programs stay on their interfaces otherwise.
    [[nodiscard]] static Result<> remove(std::string_view instance);

    [[nodiscard]] const std::string& instance() const { return instance_; }
    [[nodiscard]] const Pins& pins() const { return pins_; }
    [[nodiscard]] const Maps& maps() const { return maps_; }
    [[nodiscard]] const sl_stamp& stamp() const { return stamp_; }
    [[nodiscard]] NetnsId netns() const { return {stamp_.netns_dev, stamp_.netns_ino}; }

    [[nodiscard]] Result<FlowTable<sl_key4>> flows4() const;
    [[nodiscard]] Result<FlowTable<sl_key6>> flows6() const;

    [[nodiscard]] Result<TcMethod> attach_tc(const Link& link, TcDirection direction) const;
    [[nodiscard]] Result<XdpMethod> attach_xdp(const Link& link) const;

    /// Takes name and index: the interface may be gone, and its index may be another's by now.
    [[nodiscard]] Result<> detach_tc(const std::string& interface, std::uint32_t ifindex,
                                     TcDirection direction) const;
    [[nodiscard]] Result<> detach_xdp(const std::string& interface, std::uint32_t ifindex) const;

    [[nodiscard]] Result<std::optional<TcAttachment>> query_tc(const Link& link,
                                                               TcDirection direction) const;
    [[nodiscard]] Result<std::optional<XdpAttachment>> query_xdp(const Link& link) const;

    /// Whether the program that counts what leaves runs on the interface, whatever name that had
    /// when it was attached. An index in sl_ports alone says nothing: where the instance's network
    /// namespace is gone another one may have its number by now, and the index is another's.
    [[nodiscard]] Result<bool> runs_on(Link link) const;

private:
    Datapath(std::string instance, Pins pins, Maps maps, sl_stamp stamp)
        : instance_(std::move(instance)),
          pins_(std::move(pins)),
          maps_(std::move(maps)),
          stamp_(stamp) {}

    std::string instance_;
    Pins pins_;
    Maps maps_;
    sl_stamp stamp_;
};

}  // namespace sluice
