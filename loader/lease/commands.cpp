// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/commands.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "loader/base/name.hpp"
#include "loader/lease/dnsmasq.hpp"
#include "loader/model/ports.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

std::unexpected<Error> no_such_pool(const std::string& name) {
    return fail(ErrorCode::not_found, fmt::format("there is no MAC pool {}", name),
                "`sluice mac pool list` shows the pools");
}

/// A change of rows: done already, inside the transaction.
Result<> note(Journal& journal, std::string what) {
    return journal.step(std::move(what), [] { return Result<>{}; });
}

/// Leases that are in the range have the pool's policy from now on.
Result<> take_in(LeaseChange& change, const MacPool& pool) {
    SL_CHECK(change.store.each_in(pool.domain, pool.range, [&](const Lease& lease) -> Result<bool> {
        change.touched.push_back({lease.domain, lease.mac, false});
        return true;
    }));
    if (!change.touched.empty())
        change.journal.warn(
            fmt::format("{} leases are in its range already: they are the pool's "
                        "now, with its TTL",
                        change.touched.size()));
    return {};
}

/// The held leases of a VM, or of its one NIC.
Result<std::vector<Lease>> held_leases(LeaseChange& change, const VmNics& which) {
    SL_TRY(leases, change.store.of_vm(which.vm, true));
    if (which.nic) std::erase_if(leases, [&](const Lease& it) { return it.nic != *which.nic; });
    if (!leases.empty()) return std::move(leases);
    return fail(ErrorCode::not_found,
                which.nic ? fmt::format("NIC {} of VM {} holds no lease", *which.nic, which.vm)
                          : fmt::format("VM {} holds no lease", which.vm),
                "`sluice mac list` shows the leases");
}

using LeaseAction = std::function<Result<>(LeaseChange&, Lease&)>;

/// Does something to each lease of a VM, and stores it.
Result<LeaseOutcome> change_vm(const Target& target, const VmNics& which, std::string_view what,
                               const LeaseAction& act) {
    LeaseOutcome result;
    SL_TRY(outcome, change_leases(target, [&](LeaseChange& change) -> Result<> {
               SL_TRY(leases, held_leases(change, which));
               for (auto& lease : leases) {
                   SL_CHECK(act(change, lease));
                   SL_CHECK(note(change.journal, fmt::format("{} {}", what, lease_text(lease))));
                   SL_CHECK(change.put(lease, false));
               }
               result.leases = std::move(leases);
               return {};
           }));
    result.outcome = outcome;
    return result;
}

Result<> check_standby(const LeaseChange& change, const Lease& lease, const std::string& port) {
    if (port == lease.port)
        return fail(ErrorCode::refused,
                    fmt::format("{} is at port {} already", lease_text(lease), port),
                    "--port is the port where the VM will arrive");
    if (find_port(change.before.ports, port) == nullptr)
        change.journal.warn(
            fmt::format("{} is not a port yet: `sluice port add {} --role access`", port, port));
    return {};
}

}  // namespace

Result<Outcome> add_mac_pool(const Target& target, const MacPool& pool) {
    SL_CHECK(check_name(pool.name, {"a pool name"}));
    SL_CHECK(check_range(pool.range));
    SL_CHECK(check_vlan_id(pool.domain));
    SL_CHECK(check_duration("--ttl", pool.ttl, 1s, 365 * 24h));
    SL_CHECK(check_duration("--cooldown", pool.cooldown, 0s, 365 * 24h));
    return change_leases(target, [&](LeaseChange& change) -> Result<> {
        SL_CHECK(check_pool_fits(pool, change.pools));
        if (change.pools.size() == SL_MAX_MAC_POOLS)
            return fail(
                ErrorCode::refused,
                fmt::format("all {} MAC pools of the instance are in use", SL_MAX_MAC_POOLS));
        if (is_universal(pool.range))
            change.journal.warn(
                fmt::format("{} is not locally administered: a device of its manufacturer may have "
                            "the same address; a first byte of x2, x6, xA or xE is safe",
                            pool.range.text()));
        SL_CHECK(take_in(change, pool));
        change.pools_changed = true;
        SL_CHECK(note(change.journal, fmt::format("add MAC pool {}", pool.name)));
        return change.store.add_pool(pool);
    });
}

Result<Outcome> remove_mac_pool(const Target& target, const std::string& name) {
    return change_leases(target, [&](LeaseChange& change) -> Result<> {
        const auto pool = std::ranges::find(change.pools, name, &MacPool::name);
        if (pool == change.pools.end()) return no_such_pool(name);
        SL_TRY(held, change.store.count(pool->domain, pool->range, true));
        if (held != 0)
            return fail(ErrorCode::refused,
                        fmt::format("{} leases of MAC pool {} are held", held, name),
                        fmt::format("`sluice mac list pool={}` shows them, `sluice mac release VM` "
                                    "ends them",
                                    name));
        change.pools_changed = true;
        SL_CHECK(note(change.journal, fmt::format("remove MAC pool {}", name)));
        return change.store.remove_pool(*pool);
    });
}

Result<LeaseOutcome> allocate_macs(const Target& target, const std::vector<LeaseRequest>& requests,
                                   const std::string& pool) {
    for (const auto& request : requests) SL_CHECK(check_request(request));
    LeaseOutcome result;
    SL_TRY(outcome, change_leases(target, [&](LeaseChange& change) -> Result<> {
               for (const auto& request : requests) {
                   SL_TRY(lease, give(change, request, pool));
                   result.leases.push_back(std::move(lease));
               }
               return note(change.journal, requests.size() == 1
                                               ? "give " + lease_text(result.leases.front())
                                               : fmt::format("give {} leases", requests.size()));
           }));
    result.outcome = outcome;
    return result;
}

Result<LeaseOutcome> bind_mac(const Target& target, const BindRequest& request) {
    SL_CHECK(check_request(request.who));
    SL_CHECK(check_vlan_id(request.domain));
    if (request.standby && request.who.port.empty())
        return fail(ErrorCode::usage, "--standby is for a port", "give it with --port IF");
    LeaseOutcome result;
    SL_TRY(outcome, change_leases(target, [&](LeaseChange& change) -> Result<> {
               SL_TRY(lease,
                      bind(change, request.who, request.domain, request.mac, request.standby));
               SL_CHECK(note(change.journal, "bind " + lease_text(lease)));
               result.leases.push_back(std::move(lease));
               return {};
           }));
    result.outcome = outcome;
    return result;
}

Result<LeaseOutcome> release_macs(const Target& target, const VmNics& which) {
    return change_vm(target, which, "release", [](LeaseChange& change, Lease& lease) -> Result<> {
        lease.port.clear();
        lease.standby.clear();
        lease.moving_to.clear();
        lease.pinned = false;
        lease.released = change.clock.wall;
        return {};
    });
}

Result<LeaseOutcome> move_macs(const Target& target, const VmNics& which, const std::string& host,
                               const std::string& port) {
    SL_CHECK(check_name(host, {"a host name"}));
    return change_vm(target, which, "mark as migrating",
                     [&](LeaseChange& change, Lease& lease) -> Result<> {
                         lease.moving_to = host;
                         if (port.empty()) return {};
                         SL_CHECK(check_standby(change, lease, port));
                         lease.standby = port;
                         return {};
                     });
}

Result<LeaseOutcome> activate_macs(const Target& target, const VmNics& which) {
    return change_vm(target, which, "activate", [](LeaseChange&, Lease& lease) -> Result<> {
        if (!lease.migrating())
            return fail(ErrorCode::refused, fmt::format("{} is not migrating", lease_text(lease)),
                        "`sluice mac move VM --to HOST` begins a migration");
        if (!lease.standby.empty()) lease.port = std::exchange(lease.standby, "");
        lease.moving_to.clear();
        return {};
    });
}

Result<Outcome> set_dhcp(const Target& target, const std::optional<DhcpSettings>& settings) {
    if (settings) SL_CHECK(check_dhcp(*settings));
    return change_leases(target, [&](LeaseChange& change) -> Result<> {
        SL_TRY(before, change.store.dhcp());
        if (before == settings) return {};
        if (before && (!settings || settings->hosts_file != before->hosts_file))
            SL_CHECK(change.journal.step("remove " + before->hosts_file,
                                         [&] { return remove_hosts_file(*before); }));
        return change.store.set_dhcp(settings);
    });
}

}  // namespace sluice
