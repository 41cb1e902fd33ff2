// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice mac` does: pools of MAC addresses, and leases of them.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/base/filter.hpp"
#include "loader/lease/give.hpp"

namespace sluice {

/// @param pool its range passed check_range(). Errors: refused (see check_pool_fits()).
[[nodiscard]] Result<Outcome> add_mac_pool(const Target& target, const MacPool& pool);
/// Errors: not_found, refused (leases of it are held).
[[nodiscard]] Result<Outcome> remove_mac_pool(const Target& target, const std::string& name);

/// Leases that a command gave or changed.
struct LeaseOutcome {
    std::vector<Lease> leases;
    Outcome outcome;
};

/// All of them, or none. Errors: those of give().
[[nodiscard]] Result<LeaseOutcome> allocate_macs(const Target& target,
                                                 const std::vector<LeaseRequest>& requests,
                                                 const std::string& pool);

struct BindRequest {
    LeaseRequest who;
    MacAddress mac;
    std::uint16_t domain = 0;
    bool standby = false;  ///< who.port waits for activate_macs()
};
[[nodiscard]] Result<LeaseOutcome> bind_mac(const Target& target, const BindRequest& request);

/// The leases of a VM, or of one of its NICs. Errors: not_found.
struct VmNics {
    std::string vm;
    std::optional<std::uint16_t> nic;
};
[[nodiscard]] Result<LeaseOutcome> release_macs(const Target& target, const VmNics& which);
/// @param port on this host where it will arrive, in standby until then; empty = elsewhere
[[nodiscard]] Result<LeaseOutcome> move_macs(const Target& target, const VmNics& which,
                                             const std::string& host, const std::string& port);
/// The VM runs here now, at its standby port if it has one. Errors: refused (it is not migrating).
[[nodiscard]] Result<LeaseOutcome> activate_macs(const Target& target, const VmNics& which);

/// A lease as it is: what was given, and what the wire shows.
struct LeaseStatus {
    Lease lease;
    std::string pool;  ///< empty = of none
    LeaseState state = LeaseState::reserved;
    std::optional<sl_lease> seen;  ///< none: released, or the instance is down
    std::chrono::milliseconds silent{0};
    std::string seen_port;  ///< where it was seen last; empty = nowhere, or that is no port now
};

using LeaseFilter = Filter<LeaseStatus>;
/// `vm=web1 state=active …`: see lease_filter_help().
[[nodiscard]] Result<LeaseFilter> parse_lease_filter(std::span<const std::string> terms);
[[nodiscard]] std::string lease_filter_help();

/// @return false to stop
using LeaseVisitor = std::function<bool(const LeaseStatus&)>;
/// Visits leases in the order of L2 domains and MACs, in constant memory.
[[nodiscard]] Result<> for_each_lease(const Target& target, const LeaseFilter& filter,
                                      const LeaseVisitor& visit);
/// @param name a VM's, or a MAC. Errors: not_found.
[[nodiscard]] Result<std::vector<LeaseStatus>> show_leases(const Target& target,
                                                           const std::string& name);

struct MacPoolStatus {
    MacPool pool;
    std::uint64_t usable = 0;  ///< addresses that it may give
    std::uint64_t held = 0, released = 0;
    std::uint64_t free = 0;                      ///< nobody has, or had, them
    std::map<LeaseState, std::uint64_t> states;  ///< of the leases; show_mac_pool() alone
};
[[nodiscard]] Result<std::vector<MacPoolStatus>> list_mac_pools(const Target& target);
[[nodiscard]] Result<MacPoolStatus> show_mac_pool(const Target& target, const std::string& name);

/// @param settings none: sluice writes no file any more, and removes the one it wrote
[[nodiscard]] Result<Outcome> set_dhcp(const Target& target,
                                       const std::optional<DhcpSettings>& settings);
[[nodiscard]] Result<std::optional<DhcpSettings>> show_dhcp(const Target& target);

}  // namespace sluice
