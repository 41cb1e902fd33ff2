// SPDX-License-Identifier: GPL-2.0-or-later
// Giving addresses: which MAC, and which IP addresses with it.
#pragma once

#include <string>
#include <vector>

#include "loader/lease/change.hpp"

namespace sluice {

/// Who asks, and for what. VM and NIC are who it is; the UUID too, where it is known.
struct LeaseRequest {
    std::string vm;
    std::string uuid;                ///< lower case; empty = unknown
    std::uint16_t nic = 0;           ///< 0..63
    std::string port;                ///< interface name; empty = as it is
    std::vector<Address> addresses;  ///< at most one of each family; empty = as it is
    bool pin = false;
};

/// What can be said without a database. Errors: usage.
[[nodiscard]] Result<> check_request(const LeaseRequest& request);

/// An address of the pool: the one the VM's NIC has, or had and nobody else got, or a new one.
/// @param pool its name; empty = that of the instance, if it is the only one or `default`
/// Errors: not_found (no pool), refused (none is free, or the VM's NIC has one elsewhere).
[[nodiscard]] Result<Lease> give(LeaseChange& change, const LeaseRequest& request,
                                 const std::string& pool);

/// This address. Errors: usage (multicast), refused (another VM has it, or had it just now).
/// @param standby the port waits for `activate`
[[nodiscard]] Result<Lease> bind(LeaseChange& change, const LeaseRequest& request,
                                 std::uint16_t domain, const MacAddress& mac, bool standby);

}  // namespace sluice
