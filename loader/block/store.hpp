// SPDX-License-Identifier: GPL-2.0-or-later
// The block list in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/block.hpp"

namespace sluice {

/// Loads the sets by name, without their networks.
[[nodiscard]] Result<std::vector<BlockSetSpec>> load_block_sets(const Connection& connection);
/// The networks of a set, as they were put; none if there is no such set.
[[nodiscard]] Result<std::vector<Prefix>> read_block_set(const Connection& connection,
                                                         std::string_view name);
/// Makes or replaces the set of that name; `count` and `digest` come from the networks.
/// @param prefixes as normalise_block_list() leaves them
[[nodiscard]] Result<> put_block_set(const Connection& connection, const BlockSetSpec& spec,
                                     std::span<const Prefix> prefixes);
/// @return whether there was one
[[nodiscard]] Result<bool> erase_block_set(const Connection& connection, std::string_view name);

/// Loads the entries in the order of addresses.
[[nodiscard]] Result<std::vector<BlockEntrySpec>> load_block_entries(const Connection& connection);
/// Makes it, or changes when it expires.
[[nodiscard]] Result<> put_block_entry(const Connection& connection, const BlockEntrySpec& entry);
/// @return whether it was there
[[nodiscard]] Result<bool> erase_block_entry(const Connection& connection, const Prefix& prefix);
[[nodiscard]] Result<> erase_block_entries(const Connection& connection);

/// Sets and entries that have expired by then. @param now CLOCK_REALTIME, milliseconds
[[nodiscard]] Result<> erase_expired_blocks(const Connection& connection, std::uint64_t now);

}  // namespace sluice
