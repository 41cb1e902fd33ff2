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
#include "sluice/model.hpp"

namespace sluice {

/// Every pinned map that user space reads or writes, by its name without `sl_`; the flow tables are
/// mapped where they are needed (Datapath::flows4()).
struct Maps {
    Map<__u32, sl_nexthop> nexthops;
    PortTable ports;
    Map<__u32, __u32> xdp_targets;  ///< devmap: port id -> ifindex
    Map<sl_masq_key, sl_masq> masquerades;
    Map<__u32, sl_pool> pools;
    Map<__u32, sl_addr> externals;
    MappedArray<sl_port_bits> port_bits;   ///< index: external * SL_L4_COUNT + enum sl_l4
    Map<__u32, sl_pool_stats> pool_stats;  ///< likewise
    Map<sl_binding_key, sl_binding> bindings;
    Map<sl_forward_key, sl_forward> forwards;
    MappedArray<__u64> forwarded_ports;      ///< index: external port / 64
    CounterArray<sl_port_stats> port_stats;  ///< index: port id
    CounterArray<sl_counter> drops;          ///< index: port id * SL_DROP_MAX + reason
    CounterArray<sl_counter> audits;         ///< likewise
    Map<__u32, sl_guard> guards;             ///< index: sl_port.guard
    Map<sl_guard_prefix, __u32> guard_prefixes;
    Map<__u32, sl_guard_state> guard_states;  ///< index: port id
    Map<sl_port_mac, sl_learned_mac> learned_macs;
    Map<sl_port_addr, sl_learned_addr> learned_addrs;
    Map<sl_lease_key, sl_lease> leases;
    Map<__u32, sl_mac_pool> mac_pools;  ///< index: 0 on, up to the first unused
    Map<__u32, __u64> sightings;        ///< index: port id * SL_SIGHTINGS + hash of the MAC
    MappedArray<sl_event> events;
    MappedArray<sl_event_head> event_head;  ///< index: 0
    MappedArray<sl_flow_record> flow_log;
    MappedArray<sl_flow_log_head> flow_log_head;  ///< index: 0
    Map<__u32, sl_event_limit> event_limits;      ///< index: port id * SL_EVENT_SUBJECTS + subject
    Map<__u32, sl_switch_port> switch_ports;      ///< index: port id
    MappedArray<sl_switch_state> switch_states;   ///< likewise
    Map<__u32, sl_vlan> vlans;                    ///< index: VLAN id
    Map<__u32, sl_vlan_members> vlan_members;     ///< likewise
    Map<sl_vlan_map_key, __u32> vlan_maps;
    CounterArray<sl_vlan_stats> vlan_stats;  ///< index: VLAN id
    FdbTable fdb;
    Map<__u32, sl_detect_rule> detect_rules;     ///< index: enum sl_detector
    Map<__u32, sl_qos> qos;                      ///< index: port id
    MappedArray<sl_qos_state> qos_states;        ///< likewise
    CounterArray<sl_qos_stats> qos_stats;        ///< likewise
    Map<__u32, sl_qos_rules> qos_rules;          ///< index: 0
    Map<__u32, sl_qos_intervals> qos_intervals;  ///< index: 0
    CounterArray<sl_qos_class_stats>
        qos_class_stats;  ///< index: port id * SL_QOS_CLASSES_MAX + class
    BlockSlot block;      ///< the block list's image
    Map<sl_block_key, sl_block_until> block_until;
    MappedArray<sl_block_state> block_state;  ///< index: 0
    PolicyMap policy;                         ///< index: 0
    RulesMap rules;                           ///< by what sessions are decided
    CounterArray<sl_policy_hit> policy_hits;  ///< index: bit + 1; 0 = nothing decided
    Map<__u32, sl_live> live;                 ///< index: 0; sessions and bindings there are
    Map<__u32, sl_settings> settings;         ///< index: 0
    Map<__u32, sl_stamp> stamp;               ///< index: 0
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

    /// Of an instance that exists: whether open() would take its maps.
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

    /// Rewrites sl_settings; the datapath follows at once.
    [[nodiscard]] Result<> set_timeouts(const Settings& settings) const;

    [[nodiscard]] Result<TcMethod> attach_tc(const Link& link, TcDirection direction) const;
    [[nodiscard]] Result<XdpMethod> attach_xdp(const Link& link) const;

    /// By name and index: the interface may be gone, and its index may be another's by now.
    [[nodiscard]] Result<> detach_tc(const std::string& interface, std::uint32_t ifindex,
                                     TcDirection direction) const;
    [[nodiscard]] Result<> detach_xdp(const std::string& interface, std::uint32_t ifindex) const;

    [[nodiscard]] Result<std::optional<TcAttachment>> query_tc(const Link& link,
                                                               TcDirection direction) const;
    [[nodiscard]] Result<std::optional<XdpAttachment>> query_xdp(const Link& link) const;

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
