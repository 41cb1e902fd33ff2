// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/give.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <net/if.h>

#include <algorithm>

#include "loader/base/name.hpp"
#include "loader/lease/addresses.hpp"
#include "loader/lease/strategy.hpp"
#include "loader/model/ports.hpp"

namespace sluice {
namespace {

Result<const MacPool*> choose_pool(const LeaseChange& change, const std::string& name) {
    const auto& pools = change.pools;
    if (pools.empty())
        return fail(ErrorCode::not_found, "there is no MAC pool",
                    "`sluice mac pool add default --prefix 02:1a:2b` makes one");
    if (name.empty() && pools.size() == 1) return &pools.front();
    const auto wanted = name.empty() ? "default" : name;
    const auto found = std::ranges::find(pools, wanted, &MacPool::name);
    if (found != pools.end()) return &*found;
    std::vector<std::string> names;
    names.reserve(pools.size());
    for (const auto& pool : pools) names.push_back(pool.name);
    return fail(ErrorCode::not_found,
                name.empty() ? "there are several MAC pools, and none is called default"
                             : fmt::format("there is no MAC pool {}", name),
                fmt::format("--pool {}", fmt::join(names, " or ")));
}

/// The lease that the VM's NIC holds: by name, or by UUID, which stays when a VM is renamed.
Result<std::optional<Lease>> held_by(LeaseChange& change, const LeaseRequest& request) {
    const auto of_nic = [&](std::vector<Lease>& leases) -> std::optional<Lease> {
        const auto found = std::ranges::find(leases, request.nic, &Lease::nic);
        return found == leases.end() ? std::nullopt : std::optional(std::move(*found));
    };
    SL_TRY(of_name, change.store.of_vm(request.vm, true));
    auto lease = of_nic(of_name);
    if (!request.uuid.empty()) {
        SL_TRY(of_uuid, change.store.of_uuid(request.uuid, true));
        if (auto renamed = of_nic(of_uuid); renamed && !lease) return renamed;
    }
    if (lease && !lease->uuid.empty() && !request.uuid.empty() && lease->uuid != request.uuid)
        return fail(ErrorCode::refused,
                    fmt::format("{} is held by another VM of this name, with UUID {}",
                                lease_text(*lease), lease->uuid),
                    fmt::format("if that is gone: `sluice mac release {}`", lease->vm));
    return lease;
}

/// A lease that the VM's NIC had, in the pool, and nobody else got since.
Result<std::optional<Lease>> had_by(LeaseChange& change, const LeaseRequest& request,
                                    const MacPool& pool) {
    const auto is_it = [&](const Lease& lease) {
        return lease.nic == request.nic && change.pool_of(lease) == &pool;
    };
    if (!request.uuid.empty()) {
        SL_TRY(leases, change.store.of_uuid(request.uuid, false));
        if (const auto it = std::ranges::find_if(leases, is_it); it != leases.end()) return *it;
    }
    SL_TRY(leases, change.store.of_vm(request.vm, false));
    const auto found = std::ranges::find_if(leases, [&](const Lease& lease) {
        return is_it(lease) &&
               (lease.uuid.empty() || request.uuid.empty() || lease.uuid == request.uuid);
    });
    return found == leases.end() ? std::nullopt : std::optional(*found);
}

/// The first lease from a place on, and then round, that anybody may have.
Result<std::optional<Lease>> first_free(LeaseChange& change, const MacPool& pool,
                                        std::uint64_t from) {
    std::optional<Lease> found;
    const auto visit = [&](const Lease& lease) -> Result<bool> {
        SL_TRY(state, change.state(lease));
        if (state == LeaseState::free) found = lease;
        return !found;
    };
    SL_CHECK(change.store.each_in(pool.domain, {from, pool.range.last}, visit));
    if (!found && from > pool.range.first)
        SL_CHECK(change.store.each_in(pool.domain, {pool.range.first, from - 1}, visit));
    return found;
}

/// Whether the address may be given: nobody has it, or with `reclaim` nobody any more.
Result<bool> is_clear(LeaseChange& change, const MacPool& pool, std::uint64_t number,
                      bool reclaim) {
    if (reserved_at(number) != nullptr) return false;
    SL_TRY(lease, change.store.find(pool.domain, mac_from_number(number)));
    if (!lease || !reclaim) return !lease;
    SL_TRY(state, change.state(*lease));
    return state == LeaseState::free;
}

/// Addresses that nobody ever had come first, so that VMs find theirs again for long; only by UUID
/// a VM gets the address that the hash says as soon as it is free.
Result<MacAddress> choose_mac(LeaseChange& change, const LeaseRequest& request,
                              const MacPool& pool) {
    std::uint64_t start = 0;
    const bool reclaim = pool.strategy == MacStrategy::uuid;
    for (int attempt = 0; attempt < candidate_count(pool.strategy); ++attempt) {
        SL_TRY(number, candidate(pool, request.uuid, request.nic, attempt));
        if (attempt == 0) start = number;
        SL_TRY(clear, is_clear(change, pool, number, reclaim));
        if (clear) return mac_from_number(number);
    }
    SL_TRY(gap, change.store.first_gap(pool.domain, pool.range, start));
    if (gap) return mac_from_number(*gap);
    SL_TRY(lease, first_free(change, pool, start));
    if (lease) return lease->mac;
    return fail(ErrorCode::refused,
                fmt::format("MAC pool {} has no free address: all {} are held, or in their "
                            "cooldown of {} s",
                            pool.name, usable_macs(pool.range), pool.cooldown.count() / 1000),
                fmt::format("`sluice mac list pool={0}` shows them, `sluice mac release VM` frees "
                            "some; or add another pool",
                            pool.name));
}

Result<> note_next(LeaseChange& change, const MacPool& chosen, const MacAddress& mac) {
    if (chosen.strategy != MacStrategy::sequential) return {};
    auto& pool = *std::ranges::find(change.pools, chosen.name, &MacPool::name);
    pool.next = mac_number(mac) + 1;  // behind the last: candidate() begins anew
    return change.store.set_next(pool, pool.next);
}

/// A port may come later than its lease: libvirt makes taps when the VM starts.
Result<> check_port(LeaseChange& change, const std::string& name, std::uint16_t domain) {
    const auto* port = find_port(change.before.ports, name);
    if (port == nullptr) {
        change.journal.warn(
            fmt::format("{} is not a port yet: `sluice port add {} --role access`", name, name));
        return {};
    }
    if (port->role == Role::access && port->vlan != domain)
        return fail(
            ErrorCode::refused,
            fmt::format("port {} is in VLAN {}, the lease in VLAN {}", name, port->vlan, domain),
            "take a pool with the port's --vlan");
    return {};
}

/// Gives a lease, new or old, to who asks, and stores it.
/// @param anew it was not held
Result<Lease> hand_over(LeaseChange& change, Lease lease, const LeaseRequest& request, bool anew) {
    lease.vm = request.vm;
    if (!request.uuid.empty()) lease.uuid = request.uuid;
    lease.nic = request.nic;
    lease.pinned = request.pin || (lease.pinned && !anew);
    if (anew) lease.given = change.clock.wall;
    lease.released = 0;
    SL_TRY(addresses, choose_addresses(change, lease, request.addresses));
    lease.addresses = addresses;
    SL_CHECK(change.put(lease, anew));
    return lease;
}

/// Whoever asks for a lease it holds gets it again; silence counts from now on.
Result<Lease> give_again(LeaseChange& change, Lease lease, const LeaseRequest& request) {
    SL_TRY(state, change.state(lease));
    if (!request.port.empty()) {
        SL_CHECK(check_port(change, request.port, lease.domain));
        lease.port = request.port;
    }
    const bool expired = state == LeaseState::quarantine || state == LeaseState::free;
    return hand_over(change, std::move(lease), request, expired);
}

/// Room for a lease: what is left of the one before goes.
Result<> clear_place(LeaseChange& change, std::uint16_t domain, const MacAddress& mac) {
    SL_TRY(old, change.store.find(domain, mac));
    return old ? change.erase(*old) : Result<>{};
}

std::unexpected<Error> has_another(const Lease& lease) {
    return fail(ErrorCode::refused,
                fmt::format("NIC {} of {} has {}{}", lease.nic, lease.vm, lease.mac.text(),
                            lease.domain != 0 ? fmt::format(" in VLAN {}", lease.domain) : ""),
                fmt::format("for another NIC: --nic {}; or `sluice mac release {} --nic {}` first",
                            lease.nic + 1, lease.vm, lease.nic));
}

/// Refuses an address that is somebody else's, or was just now.
Result<> check_not_anothers(LeaseChange& change, const Lease& lease, const LeaseRequest& request) {
    const bool same_vm = lease.vm == request.vm &&
                         (lease.uuid.empty() || request.uuid.empty() || lease.uuid == request.uuid);
    if (same_vm && (lease.nic == request.nic || !lease.held())) return {};
    SL_TRY(state, change.state(lease));
    if (state == LeaseState::free) return {};
    if (!lease.held())
        return fail(
            ErrorCode::refused,
            fmt::format("{} was {}'s just now and is in its cooldown", lease.mac.text(), lease.vm),
            "take another address, or wait");
    return fail(ErrorCode::refused, fmt::format("{} is held", lease_text(lease)),
                fmt::format("`sluice mac show {}`; `sluice mac release {}` frees it",
                            lease.mac.text(), lease.vm));
}

}  // namespace

Result<> check_request(const LeaseRequest& request) {
    SL_CHECK(check_name(request.vm, {"a VM name"}));
    if (request.nic > last_nic)
        return fail(ErrorCode::usage,
                    fmt::format("--nic {}: NICs are 0 to {}", request.nic, last_nic));
    if (request.port.size() >= IFNAMSIZ)
        return fail(ErrorCode::usage, fmt::format("`{}` is not an interface name", request.port),
                    fmt::format("a name has 1 to {} bytes", IFNAMSIZ - 1));
    return check_addresses(request.addresses);
}

Result<Lease> give(LeaseChange& change, const LeaseRequest& request, const std::string& pool_name) {
    SL_TRY(pool, choose_pool(change, pool_name));
    SL_TRY(held, held_by(change, request));
    if (held) {
        if (!pool_name.empty() && change.pool_of(*held) != pool) return has_another(*held);
        return give_again(change, *held, request);
    }
    if (pool->strategy == MacStrategy::uuid && request.uuid.empty())
        return fail(ErrorCode::usage, fmt::format("pool {} gives by UUID", pool->name),
                    "give --uuid: `virsh domuuid VM` shows a VM's");
    if (!request.port.empty()) SL_CHECK(check_port(change, request.port, pool->domain));
    SL_TRY(had, had_by(change, request, *pool));
    Lease lease = had.value_or(Lease{});
    if (!had) {
        SL_TRY(mac, choose_mac(change, request, *pool));
        SL_CHECK(clear_place(change, pool->domain, mac));
        SL_CHECK(note_next(change, *pool, mac));
        lease.mac = mac;
        lease.domain = pool->domain;
    }
    lease.port = request.port;
    return hand_over(change, lease, request, true);
}

Result<Lease> bind(LeaseChange& change, const LeaseRequest& request, std::uint16_t domain,
                   const MacAddress& mac, bool standby) {
    if (!is_unicast(mac))
        return fail(ErrorCode::usage,
                    fmt::format("{} is not an address that a VM can have", mac.text()),
                    "the first byte must be even (no multicast), and not all may be zero");
    SL_TRY(held, held_by(change, request));
    if (held && (held->mac != mac || held->domain != domain)) return has_another(*held);
    if (!request.port.empty()) SL_CHECK(check_port(change, request.port, domain));
    SL_TRY(old, change.store.find(domain, mac));
    if (old && !held) {
        SL_CHECK(check_not_anothers(change, *old, request));
        SL_CHECK(clear_place(change, domain, mac));
    }
    Lease lease = held.value_or(Lease{});
    lease.mac = mac;
    lease.domain = domain;
    if (!request.port.empty()) (standby ? lease.standby : lease.port) = request.port;
    return hand_over(change, lease, request, !held);
}

}  // namespace sluice
