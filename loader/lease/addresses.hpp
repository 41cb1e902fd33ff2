// SPDX-License-Identifier: GPL-2.0-or-later
// The IP addresses of a lease.
#pragma once

#include "loader/lease/change.hpp"

namespace sluice {

/// Addresses that a host can have, at most one of each family. Errors: usage.
[[nodiscard]] Result<> check_addresses(const std::vector<Address>& addresses);

/// Gives an address of each family: the one asked for, else the one the lease has, else a free one
/// of its pool's address pools. Errors: refused (another lease has it, or none is free).
/// @param lease stored yet or not; its MAC and domain stand
[[nodiscard]] Result<std::vector<Address>> choose_addresses(LeaseChange& change, const Lease& lease,
                                                            const std::vector<Address>& wanted);

}  // namespace sluice
