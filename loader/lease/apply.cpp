// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/apply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "loader/model/ports.hpp"

namespace sluice {
namespace {

__u16 port_id(const std::vector<PortSpec>& ports, std::string_view name) {
    const auto* found = find_port(ports, name);
    return found == nullptr ? 0 : found->id;
}

/// What the loader writes of an entry.
struct Wanted {
    __u16 port = 0;
    __u32 flags = 0;
};

Wanted wanted(const Lease& lease, const std::vector<MacPool>& pools,
              const std::vector<PortSpec>& ports) {
    const auto* pool = pool_of(pools, lease.domain, lease.mac);
    Wanted entry{.port = port_id(ports, lease.port)};
    if (lease.migrating()) entry.flags |= SL_LEASE_MIGRATING;
    if (pool != nullptr && pool->quarantine) entry.flags |= SL_LEASE_QUARANTINE;
    return entry;
}

sl_lease entry_of(const Wanted& wanted, const sl_lease& seen) {
    auto entry = seen;
    entry.port = wanted.port;
    entry.flags = wanted.flags;
    return entry;
}

sl_lease new_entry(const Wanted& wanted) {
    return entry_of(wanted, {.last_seen = 0,
                             .since = LeaseClock::now().epoch,
                             .port = 0,
                             .seen_port = 0,
                             .flags = 0,
                             .duplicates = 0,
                             .zero = 0});
}

bool is_as_wanted(const sl_lease& entry, const Wanted& wanted) {
    return entry.port == wanted.port && entry.flags == wanted.flags;
}

using LeaseMap = Map<sl_lease_key, sl_lease>;

struct KeyLess {
    bool operator()(const sl_lease_key& a, const sl_lease_key& b) const {
        return std::tie(a.domain, mac(a)) < std::tie(b.domain, mac(b));
    }
    static const std::array<__u8, 6>& mac(const sl_lease_key& key) {
        return reinterpret_cast<const std::array<__u8, 6>&>(key.mac);
    }
};

Result<> put(const LeaseMap& map, const sl_lease_key& key, const sl_lease& entry) {
    auto done = map.update(key, entry);
    if (done || done.error().code != ErrorCode::refused) return done;
    return fail(ErrorCode::refused,
                fmt::format("there is room for {} leases", map.info().max_entries),
                "`sluice down`, then `sluice up --max-leases N` makes more; sessions end");
}

/// Entries as they are, and what there is to do to them.
class LeaseReconciler {
public:
    LeaseReconciler(const LeaseMap& map, Journal& journal) : map_(map), journal_(journal) {}

    Result<> read() {
        SL_CHECK(map_.for_each([&](const sl_lease_key& key, const sl_lease& entry) {
            there_.emplace_back(key, entry);
            return true;
        }));
        std::ranges::sort(there_, KeyLess(), &Entry::first);
        return {};
    }

    /// To be called in the order of keys.
    void want(const sl_lease_key& key, const Wanted& wanted) {
        const KeyLess less;
        for (; at_ < there_.size() && less(there_[at_].first, key); ++at_)
            gone_.push_back(there_[at_].first);
        if (at_ == there_.size() || less(key, there_[at_].first)) {
            changed_.emplace_back(key, new_entry(wanted));
            return;
        }
        const auto& entry = there_[at_++].second;
        if (!is_as_wanted(entry, wanted)) changed_.emplace_back(key, entry_of(wanted, entry));
    }

    Result<> apply() {
        for (; at_ < there_.size(); ++at_) gone_.push_back(there_[at_].first);
        if (!gone_.empty())
            SL_CHECK(journal_.step(fmt::format("forget {} leases in the kernel", gone_.size()),
                                   [&]() -> Result<> {
                                       for (const auto& key : gone_) SL_CHECK(map_.erase(key));
                                       return {};
                                   }));
        if (changed_.empty()) return {};
        return journal_.step(fmt::format("mirror {} leases into the kernel", changed_.size()),
                             [&]() -> Result<> {
                                 for (const auto& [key, entry] : changed_)
                                     SL_CHECK(put(map_, key, entry));
                                 return {};
                             });
    }

private:
    using Entry = std::pair<sl_lease_key, sl_lease>;

    const LeaseMap& map_;
    Journal& journal_;
    std::vector<Entry> there_, changed_;
    std::vector<sl_lease_key> gone_;
    std::size_t at_ = 0;
};

Result<> mirror_lease(const LeaseMap& map, const TouchedLease& touched,
                      const std::optional<Wanted>& wanted) {
    const auto key = lease_key(touched.domain, touched.mac);
    if (!wanted) {
        SL_CHECK(map.erase(key));
        return {};
    }
    SL_TRY(entry, map.lookup(key));
    if (!entry || touched.anew) return put(map, key, new_entry(*wanted));
    if (is_as_wanted(*entry, *wanted)) return {};
    return put(map, key, entry_of(*wanted, *entry));
}

sl_mac_pool pool_entry(const MacPool& pool) {
    return {.first = pool.range.first,
            .last = pool.range.last,
            .domain = pool.domain,
            .used = 1,
            .quarantine = pool.quarantine,
            .zero = 0};
}

}  // namespace

Result<> mirror_leases(const Datapath& datapath, LeaseStore& store,
                       std::span<const TouchedLease> touched, const std::vector<PortSpec>& ports,
                       Journal& journal) {
    if (touched.empty()) return {};
    SL_TRY(pools, store.pools());
    return journal.step(
        fmt::format("mirror {} leases into the kernel", touched.size()), [&]() -> Result<> {
            for (const auto& one : touched) {
                SL_TRY(lease, store.find(one.domain, one.mac));
                const bool held = lease && lease->held();
                SL_CHECK(mirror_lease(
                    datapath.maps().leases, one,
                    held ? std::optional(wanted(*lease, pools, ports)) : std::nullopt));
            }
            return {};
        });
}

Result<> mirror_pools(const Datapath& datapath, LeaseStore& store, Journal& journal) {
    SL_TRY(pools, store.pools());
    const auto& map = datapath.maps().mac_pools;
    for (__u32 i = 0; i < SL_MAX_MAC_POOLS; ++i) {
        const auto entry = i < pools.size() ? pool_entry(pools[i]) : sl_mac_pool{};
        SL_TRY(now, map.lookup(i));
        if (now && std::memcmp(&*now, &entry, sizeof entry) == 0) continue;
        const auto what = entry.used != 0 ? fmt::format("mirror MAC pool {}", pools[i].name)
                                          : fmt::format("clear MAC pool slot {}", i);
        SL_CHECK(journal.step(what, [&] { return map.update(i, entry); }));
    }
    return {};
}

namespace {

Result<> reconcile_leases(const Datapath& datapath, LeaseStore& store,
                          const std::vector<PortSpec>& ports, Journal& journal) {
    SL_CHECK(mirror_pools(datapath, store, journal));
    SL_TRY(pools, store.pools());
    LeaseReconciler reconciler(datapath.maps().leases, journal);
    SL_CHECK(reconciler.read());
    SL_CHECK(store.each([&](const Lease& lease) -> Result<bool> {
        if (lease.held())
            reconciler.want(lease_key(lease.domain, lease.mac), wanted(lease, pools, ports));
        return true;
    }));
    return reconciler.apply();
}

Result<> reconcile_bound_leases(const Datapath& datapath, const DesiredState& desired,
                                Journal& journal) {
    const auto& map = datapath.maps().leases;
    for (const auto& lease : desired.port_leases) {
        if (lease.standby) continue;
        const auto key = lease_key(lease.domain, lease.mac);
        const auto id = port_id(desired.ports, lease.port);
        SL_TRY(entry, map.lookup(key));
        if (!entry || entry->port == id) continue;
        entry->port = id;
        SL_CHECK(journal.step(fmt::format("bind {} to port {}", lease.mac.text(), lease.port),
                              [&] { return map.update(key, *entry); }));
    }
    return {};
}

class LeaseFeature : public Feature {
public:
    Result<> load(const Connection& rows, DesiredState& state) const override {
        SL_TRY(leases, load_port_leases(rows));
        state.port_leases = std::move(leases);
        SL_TRY(sight, any_leases_or_pools(rows));
        state.sight = sight;
        return {};
    }

    Result<> prepare(Round& round) override {
        if (round.thorough) {
            LeaseStore store(round.rows);
            SL_CHECK(reconcile_leases(round.datapath, store, round.desired.ports, round.journal));
        }
        return reconcile_bound_leases(round.datapath, round.desired, round.journal);
    }
};

}  // namespace

std::unique_ptr<Feature> lease_feature() { return std::make_unique<LeaseFeature>(); }

}  // namespace sluice
