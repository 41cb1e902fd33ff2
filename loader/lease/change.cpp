// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/change.hpp"

#include "loader/instance/change.hpp"
#include "loader/instance/reconcile.hpp"
#include "loader/kernel/lock.hpp"
#include "loader/lease/dnsmasq.hpp"
#include "loader/store/found.hpp"
#include "loader/store/paths.hpp"

namespace sluice {
namespace {

/// Orchestrators start many VMs at once, and each asks for itself.
constexpr std::chrono::seconds longest_wait{60};

/// None while the instance is down, and after a reboot: then the rows wait for `restore`.
Result<std::optional<Datapath>> running_datapath(const Target& target, const DesiredState& before) {
    if (!before.up || !Datapath::exists(target.instance)) return std::nullopt;
    SL_CHECK(enter_home(target, before.settings));
    SL_TRY(datapath, open_running(target, before));
    return std::move(datapath);
}

/// Leases before ports: what a port lets in must be known when it looks.
Result<> bring_kernel_after(LeaseChange& change, const FoundInterfaces& found) {
    auto& journal = change.journal;
    const auto& datapath = *change.datapath;
    if (change.pools_changed) SL_CHECK(mirror_pools(datapath, change.store, journal));
    SL_CHECK(mirror_leases(datapath, change.store, change.touched, change.before.ports, journal));
    SL_TRY(sight, any_leases_or_pools(change.database.connection()));
    // A policy may be about the VM.
    if (!change.guards_changed && sight == change.before.sight && !change.before.policy) return {};
    SL_TRY(after, change.database.load());
    return reconcile(datapath, change.database, after, found, journal);
}

/// @return whether dnsmasq is to be told
Result<bool> bring_after(LeaseChange& change, const FoundInterfaces& found) {
    if (change.datapath != nullptr) SL_CHECK(bring_kernel_after(change, found));
    return write_hosts_file(change.store, change.journal);
}

}  // namespace

const MacPool* LeaseChange::pool_of(const Lease& lease) const {
    return sluice::pool_of(pools, lease.domain, lease.mac);
}

Result<std::optional<sl_lease>> LeaseChange::seen(const Lease& lease) const {
    if (datapath == nullptr || !lease.held()) return std::nullopt;
    return datapath->maps().leases.lookup(lease_key(lease.domain, lease.mac));
}

Result<LeaseState> LeaseChange::state(const Lease& lease) const {
    SL_TRY(now, seen(lease));
    return state_of(lease, pool_of(lease), now, clock);
}

Result<> LeaseChange::put(Lease& lease, bool anew) {
    SL_TRY(old, store.find(lease.domain, lease.mac));
    const auto bound = [](const Lease& it) { return !it.port.empty() || !it.standby.empty(); };
    guards_changed |= bound(lease) || (old && bound(*old));
    touched.push_back({lease.domain, lease.mac, anew});
    return store.put(lease);
}

Result<> LeaseChange::erase(const Lease& lease) {
    guards_changed |= !lease.port.empty() || !lease.standby.empty();
    touched.push_back({lease.domain, lease.mac, false});
    return store.erase(lease);
}

Result<Outcome> change_leases(const Target& target, const LeaseEdit& edit) {
    SL_TRY(folder, require_instance(target));

    SL_TRY(lock, WriterLock::acquire(folder, longest_wait));
    SL_TRY(database, Database::open(folder));
    SL_TRY(before, database.load());
    SL_TRY(found, FoundInterfaces::open(folder));
    SL_TRY(datapath, running_datapath(target, before));
    Journal journal(target.effect);
    const bool marks = datapath && !journal.planning();
    if (lock.interrupted() && marks) SL_CHECK(mend(*datapath, database, found, lock));

    SL_TRY(transaction, database.begin());
    LeaseStore store(database.connection());
    SL_TRY(pools, store.pools());
    LeaseChange it{.database = database,
                   .store = store,
                   .before = before,
                   .datapath = datapath ? &*datapath : nullptr,
                   .pools = pools,
                   .clock = LeaseClock::now(),
                   .journal = journal,
                   .touched = {}};
    SL_CHECK(edit(it));

    if (marks) SL_CHECK(lock.mark_busy());
    auto hosts_changed = bring_after(it, found);
    if (hosts_changed && !journal.planning()) {
        if (auto done = transaction.commit(); !done) hosts_changed = std::unexpected(done.error());
    }
    SL_CHECK(transaction.rollback());
    if (!hosts_changed) {
        if (marks) SL_CHECK(mend(*datapath, database, found, lock));
        return std::unexpected(hosts_changed.error());
    }
    if (*hosts_changed) SL_CHECK(tell_dnsmasq(store, journal));
    if (marks) SL_CHECK(lock.mark_idle());
    return journal.outcome();
}

}  // namespace sluice
