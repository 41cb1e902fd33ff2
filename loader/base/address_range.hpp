// SPDX-License-Identifier: GPL-2.0-or-later
// Ranges of IP addresses that leases are given addresses from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/net.hpp"

namespace sluice {

/// Both ends of one family, first <= last; IPv6 within one /64.
struct AddressRange {
    Address first, last;

    /// `10.0.0.10-10.0.0.99`, or a CIDR, of which the addresses that a host can't have are left
    /// out: network and broadcast (IPv4), subnet-router anycast (RFC 4291 section 2.6.1).
    [[nodiscard]] static Result<AddressRange> parse(std::string_view text);

    [[nodiscard]] bool contains(const Address& address) const;
    [[nodiscard]] std::uint64_t size() const;
    /// @param index less than size()
    [[nodiscard]] Address at(std::uint64_t index) const;
    [[nodiscard]] std::string text() const;
    auto operator<=>(const AddressRange&) const = default;
};

}  // namespace sluice
