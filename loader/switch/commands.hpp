// SPDX-License-Identifier: GPL-2.0-or-later
// The switch: settings of its ports, its MAC table, its VLANs.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "loader/base/filter.hpp"
#include "loader/instance/target.hpp"
#include "sluice/abi/switch.h"

namespace sluice {

/// What `switch port set` changes; the rest stays.
struct SwitchPortChange {
    std::vector<std::pair<bool SwitchPortSpec::*, bool>> flags;
    std::optional<std::uint16_t> community;
    std::optional<std::uint32_t> mac_limit;
    std::optional<BpduPolicy> bpdu;
    std::optional<LoopAction> loop;
    std::array<std::optional<std::uint32_t>, SL_STORM_MAX> storm;  ///< by enum sl_storm_kind

    void apply_to(SwitchPortSpec& spec) const;
};

/// `promiscuous`, `isolated` or `community:N`, N from 1 to 65535.
[[nodiscard]] Result<> parse_isolation(std::string_view text, SwitchPortChange& change);
[[nodiscard]] std::string isolation_text(const SwitchPortSpec& spec);

/// Errors: not_found (no such port), refused (not a switched one).
[[nodiscard]] Result<Outcome> set_switch_port(const Target& target, const std::string& port,
                                              const SwitchPortChange& wanted);
/// Opens a port that was closed because of a loop or a BPDU. Open already: nothing is done.
[[nodiscard]] Result<Outcome> open_switch_port(const Target& target, const std::string& port);

struct SwitchPortStatus {
    SwitchPortSpec spec;
    Role role = Role::access;
    std::uint32_t learned = 0;       ///< MACs now
    sl_closed closed = SL_OPEN;      ///< why it is closed now
    std::string closed_by;           ///< the other port of the loop; may be empty
    std::optional<double> opens_in;  ///< seconds; none: until somebody opens it
};

/// The switched ports, by name.
[[nodiscard]] Result<std::vector<SwitchPortStatus>> list_switch_ports(const Target& target);
[[nodiscard]] Result<SwitchPortStatus> show_switch_port(const Target& target,
                                                        const std::string& port);

/// A MAC that the switch knows.
struct KnownMac {
    MacAddress mac;
    std::uint16_t vlan = 0;
    std::string_view port;  ///< name; empty if the port is gone
    bool is_static = false;
    std::optional<double> age;  ///< seconds since its last frame; none for static ones
};

using KnownMacFilter = Filter<KnownMac>;
/// `vlan=10 port=tap0 …`: see known_mac_filter_help().
[[nodiscard]] Result<KnownMacFilter> parse_known_mac_filter(std::span<const std::string> terms);
[[nodiscard]] std::string known_mac_filter_help();

/// Visits entries in the table's order; those made or forgotten meanwhile may be missed.
[[nodiscard]] Result<> for_each_known_mac(const Target& target, const KnownMacFilter& filter,
                                          const std::function<void(const KnownMac&)>& visit);

/// A static entry, made or moved. Errors: not_found, refused (the port is not in the VLAN), usage.
[[nodiscard]] Result<Outcome> add_static_mac(const Target& target, const FdbSpec& entry);
/// Errors: not_found.
[[nodiscard]] Result<Outcome> remove_static_mac(const Target& target, const MacAddress& mac,
                                                std::uint16_t vlan);
/// Forgets learned MACs at once. @return how many; with Effect::plan how many it would be
[[nodiscard]] Result<std::size_t> flush_known_macs(const Target& target,
                                                   const KnownMacFilter& filter);

/// A VLAN that has ports, a gateway or a setting.
struct VlanStatus {
    std::uint16_t vlan = 0;
    std::uint32_t vni = 0;                            ///< 0 = none
    std::vector<std::string> ports;                   ///< names
    std::string gateway;                              ///< the internal port; empty = none
    std::size_t learned = 0;                          ///< MACs
    std::array<sl_counter, SL_VLAN_COUNTS> counts{};  ///< by enum sl_vlan_count
};

[[nodiscard]] Result<std::vector<VlanStatus>> list_vlans(const Target& target);
/// Errors: not_found (nothing is known of it).
[[nodiscard]] Result<VlanStatus> show_vlan(const Target& target, std::uint16_t vlan);
/// @param vni 1..16777215, 0 = none. Errors: refused (another VLAN has it).
[[nodiscard]] Result<Outcome> set_vlan_vni(const Target& target, std::uint16_t vlan,
                                           std::uint32_t vni);

}  // namespace sluice
