// SPDX-License-Identifier: GPL-2.0-or-later
// The sets of MACs and addresses inside a sl_guard: written so that the datapath's bounded
// look-up finds every key, and read back. Pure functions: the same set makes the same bytes, in
// whatever order it is given.
#pragma once

#include <linux/types.h>

#include <span>
#include <vector>

#include "sluice/abi/guard.h"
#include "sluice/net.hpp"

namespace sluice {

struct GuardMac {
    MacAddress mac;
    bool standby = false;  ///< may receive, but not send yet
    auto operator<=>(const GuardMac&) const = default;
};

/// A MAC as sl_guard.macs has it: a number, the first byte the lowest.
[[nodiscard]] __u64 mac_in_slot(const MacAddress& mac);
[[nodiscard]] MacAddress mac_of_slot(__u64 slot);

/// Writes macs, mac_factor and mac_count.
/// @param macs at most SL_GUARD_MACS, none twice, none all zero (that is an empty slot)
/// Errors: refused (too many; or no factor was found, which takes keys made for it).
[[nodiscard]] Result<> fill_guard_macs(sl_guard& guard, std::vector<GuardMac> macs);

/// Does the same for addrs, addr_factor and addr_count.
[[nodiscard]] Result<> fill_guard_addresses(sl_guard& guard, std::vector<Address> addresses);

/// What stands in the tables, sorted.
[[nodiscard]] std::vector<GuardMac> guard_macs(const sl_guard& guard);
[[nodiscard]] std::vector<Address> guard_addresses(const sl_guard& guard);

/// The datapath's own look-ups. Null: not in the set.
[[nodiscard]] const __u64* find_guard_mac(const sl_guard& guard, const MacAddress& mac);
[[nodiscard]] bool has_guard_address(const sl_guard& guard, const Address& address);

}  // namespace sluice
