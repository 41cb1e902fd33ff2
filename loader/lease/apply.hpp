// SPDX-License-Identifier: GPL-2.0-or-later
// sl_leases and sl_mac_pools: the kernel's mirror of the leases in the database. What the datapath
// writes into an entry (when and where a lease was seen) is kept.
#pragma once

#include <memory>
#include <span>

#include "loader/instance/feature.hpp"
#include "loader/lease/store.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// A lease that was changed.
struct TouchedLease {
    std::uint16_t domain = 0;
    MacAddress mac;
    bool anew = false;  ///< given just now: its silence counts from now on
};

/// Those leases alone.
[[nodiscard]] Result<> mirror_leases(const Datapath& datapath, LeaseStore& store,
                                     std::span<const TouchedLease> touched,
                                     const std::vector<PortSpec>& ports, Journal& journal);

[[nodiscard]] Result<> mirror_pools(const Datapath& datapath, LeaseStore& store, Journal& journal);

/// Keeps the port of each lease that is bound to one: ports come and go, and their numbers are used
/// again. A thorough round compares all leases and pools.
[[nodiscard]] std::unique_ptr<Feature> lease_feature();

}  // namespace sluice
