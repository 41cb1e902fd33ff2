// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/plan.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "loader/model/guard_switches.hpp"

namespace sluice {
namespace {

/// IPv4 as a network of mapped addresses (RFC 4291 section 2.5.5.2).
const Prefix all_ipv4{Address::v4(0), 0};

bool is_single(const Prefix& prefix) { return prefix.length == prefix.address.bits(); }

sl_guard_prefix prefix_key(__u32 index, const Prefix& prefix) {
    return {.prefixlen = 32 + static_cast<__u32>(prefix.mapped_length()),
            .guard = index,
            .addr = prefix.address.raw()};
}

bool bit_of(const sl_addr& addr, int bit) { return (addr.b[bit / 8] >> (7 - bit % 8) & 1) != 0; }

/// `::/0` and its like have the mapped addresses inside, but who lists them means IPv6.
bool covers_ipv4(const Prefix& prefix) {
    if (prefix.address.is_v4()) return false;
    const auto network = prefix.address.raw(), mapped = all_ipv4.address.raw();
    for (int bit = 0; bit < prefix.length; ++bit)
        if (bit_of(network, bit) != bit_of(mapped, bit)) return false;
    return true;
}

/// A MAC that waits in one list and may send in the other waits: its VM is not here yet.
std::vector<GuardMac> merged(const std::map<MacAddress, bool>& standby_by_mac) {
    std::vector<GuardMac> macs;
    macs.reserve(standby_by_mac.size());
    for (const auto& [mac, standby] : standby_by_mac) macs.push_back({mac, standby});
    return macs;
}

}  // namespace

GuardPrefixes PlannedGuard::prefix_entries(__u32 index) const {
    GuardPrefixes entries;
    for (const auto& prefix : prefixes) entries[prefix_key(index, prefix)] = 1;
    if (std::ranges::any_of(prefixes, covers_ipv4))
        entries.try_emplace(prefix_key(index, all_ipv4), 0);
    return entries;
}

std::vector<GuardMac> own_macs(const GuardSpec& guard, const std::vector<PortLease>& leases) {
    std::map<MacAddress, bool> standby;
    for (const auto& mac : guard.macs) standby[mac] = false;
    for (const auto& lease : leases) standby[lease.mac] |= lease.standby;
    return merged(standby);
}

Result<PlannedGuard> plan_guard(const GuardSpec& guard, std::uint16_t port_id,
                                const std::vector<PortLease>& leases) {
    PlannedGuard plan{.port = guard.port, .entry = {}, .prefixes = {}};
    std::set<Address> addresses;
    for (const auto& lease : leases)
        addresses.insert(lease.addresses.begin(), lease.addresses.end());
    for (const auto& prefix : guard.addresses) {
        if (is_single(prefix))
            addresses.insert(prefix.address);
        else
            plan.prefixes.push_back(prefix);
    }
    std::ranges::sort(plan.prefixes);
    SL_CHECK(fill_guard_macs(plan.entry, own_macs(guard, leases)));
    SL_CHECK(fill_guard_addresses(plan.entry, {addresses.begin(), addresses.end()}));
    plan.entry.checks = guard_checks(guard);
    if (!plan.prefixes.empty()) plan.entry.checks |= SL_GUARD_PREFIXES;
    plan.entry.dhcp_rate = guard.dhcp_rate;
    plan.entry.learn = guard.learn;
    for (std::size_t i = 0; i < guard.ethertypes.size(); ++i)
        plan.entry.ethertypes[i] = htons(guard.ethertypes[i]);
    plan.entry.port = port_id;
    return plan;
}

Result<std::map<std::uint16_t, PlannedGuard>> plan_guards(const DesiredState& desired) {
    std::map<std::string_view, std::vector<PortLease>> leases;
    for (const auto& lease : desired.port_leases) leases[lease.port].push_back(lease);
    std::map<std::string_view, std::uint16_t> ids;
    for (const auto& port : desired.ports) ids[port.name] = port.id;

    std::map<std::uint16_t, PlannedGuard> plans;
    for (const auto& guard : desired.guards) {
        const auto port = ids.find(guard.port);
        if (port == ids.end()) continue;  // it is to become one
        const auto id = port->second;
        auto plan = plan_guard(guard, id, leases[guard.port]);
        if (!plan)
            return fail(plan.error().code,
                        fmt::format("port {}: {}", guard.port, plan.error().message),
                        plan.error().hint);
        plans.emplace(id, std::move(*plan));
    }
    return plans;
}

}  // namespace sluice
