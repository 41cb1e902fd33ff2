// SPDX-License-Identifier: GPL-2.0-or-later
// How leases and pools are changed: the lighter sibling of change(), for there may be a million
// leases, and they are given while the instance is down, too.
#pragma once

#include <functional>

#include "loader/instance/database.hpp"
#include "loader/instance/target.hpp"
#include "loader/lease/apply.hpp"

namespace sluice {

/// What an edit of leases has to work with.
struct LeaseChange {
    const Database& database;  ///< in a transaction
    LeaseStore& store;         ///< on its connection
    const DesiredState& before;
    const Datapath* datapath;  ///< to look at; null while the instance is down
    std::vector<MacPool> pools;
    LeaseClock clock;
    Journal& journal;

    // What the edit has done:
    std::vector<TouchedLease> touched;
    bool pools_changed = false;
    bool guards_changed = false;  ///< a lease bound to a port

    [[nodiscard]] const MacPool* pool_of(const Lease& lease) const;
    /// What the datapath has seen of it; none while the instance is down.
    [[nodiscard]] Result<std::optional<sl_lease>> seen(const Lease& lease) const;
    [[nodiscard]] Result<LeaseState> state(const Lease& lease) const;

    /// Stores the lease and notes what has to follow.
    /// @param anew it is given just now: its silence counts from now on
    [[nodiscard]] Result<> put(Lease& lease, bool anew);
    [[nodiscard]] Result<> erase(const Lease& lease);
};

using LeaseEdit = std::function<Result<>(LeaseChange&)>;

/// Under the writer's lock: changes rows in a transaction, mirrors them into the kernel, brings
/// guards and ports after them, writes dnsmasq's file, commits. Fails, or is killed, as change()
/// is. While the instance is down, only rows and dnsmasq's file change.
[[nodiscard]] Result<Outcome> change_leases(const Target& target, const LeaseEdit& edit);

}  // namespace sluice
