// SPDX-License-Identifier: GPL-2.0-or-later
// What the guards mean for the kernel: decided from the desired state, touching nothing.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "loader/base/by_bytes.hpp"
#include "loader/guard/table.hpp"
#include "sluice/model/state.hpp"

namespace sluice {

/// Entries of sl_guard_prefixes: 1 = addresses in it may be used, 0 = they may not.
using GuardPrefixes = std::map<sl_guard_prefix, __u32, ByBytes>;

struct PlannedGuard {
    std::string port;  ///< interface name
    sl_guard entry{};
    std::vector<Prefix> prefixes;

    /// Gives them as they stand in the kernel under this entry of sl_guards.
    [[nodiscard]] GuardPrefixes prefix_entries(__u32 index) const;
};

/// What belongs to a port by its guard's own lists.
[[nodiscard]] std::vector<GuardMac> own_macs(const GuardSpec& guard,
                                             const std::vector<PortLease>& leases);

/// Plans all guards, by port id. Errors: refused (more MACs or addresses on a port than a guard has
/// room for).
[[nodiscard]] Result<std::map<std::uint16_t, PlannedGuard>> plan_guards(
    const DesiredState& desired);

/// Plans one guard; `leases` are those of its port alone.
[[nodiscard]] Result<PlannedGuard> plan_guard(const GuardSpec& guard, std::uint16_t port_id,
                                              const std::vector<PortLease>& leases);

}  // namespace sluice
