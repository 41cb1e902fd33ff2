// sl_leases and sl_mac_pools: the kernel's mirror of the leases in the database. What the datapath
// writes into an entry (when and where a lease was seen) is kept.
#pragma once

#include <span>

#include "loader/instance/journal.hpp"
#include "loader/kernel/datapath.hpp"
#include "loader/lease/store.hpp"
#include "sluice/model.hpp"

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

/// All there is, compared: in new maps, and after a writer was killed.
[[nodiscard]] Result<> reconcile_leases(const Datapath& datapath, LeaseStore& store,
                                        const std::vector<PortSpec>& ports, Journal& journal);

/// The ports of leases bound to one: ports come and go, and their numbers are used again.
[[nodiscard]] Result<> reconcile_bound_leases(const Datapath& datapath, const DesiredState& desired,
                                              Journal& journal);

}  // namespace sluice
