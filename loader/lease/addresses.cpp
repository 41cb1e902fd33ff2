// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/addresses.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

/// RFC 6890: not 0.x, loopback, multicast; RFC 4291: not ::, ::1, ff00::/8.
bool is_unicast(const Address& address) {
    const auto raw = address.raw();
    if (address.is_v4()) {
        const auto first = raw.b[12];
        return first != 0 && first != 127 && first < 224;
    }
    const bool only_low_byte =
        std::ranges::all_of(raw.b, raw.b + 15, [](auto b) { return b == 0; });
    return raw.b[0] != 0xff && !(only_low_byte && raw.b[15] <= 1);
}

const Address* of_family(const std::vector<Address>& addresses, bool v4) {
    const auto found = std::ranges::find(addresses, v4, &Address::is_v4);
    return found == addresses.end() ? nullptr : &*found;
}

/// Whether the lease may have it. What another VM had and is free goes.
Result<bool> is_clear(LeaseChange& change, const Lease& lease, const Address& address) {
    SL_TRY(other, change.store.with_address(lease.domain, address));
    if (!other || other->id == lease.id) return true;
    SL_TRY(state, change.state(*other));
    if (state != LeaseState::free) return false;
    SL_CHECK(change.erase(*other));
    return true;
}

Result<Address> take(LeaseChange& change, const Lease& lease, const Address& address) {
    SL_TRY(clear, is_clear(change, lease, address));
    if (clear) return address;
    SL_TRY(other, change.store.with_address(lease.domain, address));
    return fail(ErrorCode::refused,
                fmt::format("{} belongs to {} (NIC {} of {})", address.text(), other->mac.text(),
                            other->nic, other->vm),
                "leave out --ip for an address of the pool, or release that lease first");
}

/// Where MACs and addresses are counted alike, a MAC's address is the one with its own number; then
/// the next that is clear.
Result<std::optional<Address>> draw(LeaseChange& change, const Lease& lease, const MacPool& pool,
                                    const AddressRange& range) {
    const auto size = range.size();
    const auto start = (mac_number(lease.mac) - pool.range.first) % size;
    for (std::uint64_t tried = 0; tried < size; ++tried) {
        const auto address = range.at((start + tried) % size);
        SL_TRY(clear, is_clear(change, lease, address));
        if (clear) return address;
    }
    return std::nullopt;
}

Result<std::optional<Address>> draw(LeaseChange& change, const Lease& lease, const MacPool& pool,
                                    bool v4) {
    bool any = false;
    for (const auto& range : pool.address_pools) {
        if (range.first.is_v4() != v4) continue;
        any = true;
        SL_TRY(address, draw(change, lease, pool, range));
        if (address) return address;
    }
    if (!any) return std::nullopt;
    return fail(ErrorCode::refused,
                fmt::format("MAC pool {} has no free {} address", pool.name, v4 ? "IPv4" : "IPv6"),
                "release leases, or give one with --ip");
}

}  // namespace

Result<> check_addresses(const std::vector<Address>& addresses) {
    for (const auto& address : addresses) {
        if (!is_unicast(address))
            return fail(ErrorCode::usage, fmt::format("--ip {} is not an address that a host can "
                                                      "have",
                                                      address.text()));
        if (of_family(addresses, address.is_v4()) != &address)
            return fail(ErrorCode::usage, "--ip is given twice for one family",
                        "a lease has one IPv4 and one IPv6 address; a guard takes more: `sluice "
                        "guard set IF --address LIST`");
    }
    return {};
}

Result<std::vector<Address>> choose_addresses(LeaseChange& change, const Lease& lease,
                                              const std::vector<Address>& wanted) {
    std::vector<Address> chosen;
    const auto* pool = change.pool_of(lease);
    for (const bool v4 : {true, false}) {
        const auto* address = of_family(wanted, v4);
        if (address == nullptr) address = of_family(lease.addresses, v4);
        if (address != nullptr) {
            SL_TRY(taken, take(change, lease, *address));
            chosen.push_back(taken);
        } else if (pool != nullptr) {
            SL_TRY(drawn, draw(change, lease, *pool, v4));
            if (drawn) chosen.push_back(*drawn);
        }
    }
    return chosen;
}

}  // namespace sluice
