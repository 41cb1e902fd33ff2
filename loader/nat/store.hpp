// SPDX-License-Identifier: GPL-2.0-or-later
// Masquerades and forwards in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/nat.hpp"

namespace sluice {

/// Loads rules in the order in which they were added, as load_forwards() does.
[[nodiscard]] Result<std::vector<MasqueradeSpec>> load_masquerades(const Connection& connection);
/// Gives the pool number: that of a rule with the same uplink, addresses (in any order) and range,
/// else the lowest free. Errors: refused (same source and uplink, or 256 pools).
[[nodiscard]] Result<MasqueradeSpec> add_masquerade(const Connection& connection,
                                                    MasqueradeSpec rule);
/// Errors: not_found.
[[nodiscard]] Result<> erase_masquerade(const Connection& connection, const Prefix& source,
                                        std::string_view uplink);

[[nodiscard]] Result<std::vector<ForwardSpec>> load_forwards(const Connection& connection);
/// Errors: refused (the same protocol and external endpoint).
[[nodiscard]] Result<> add_forward(const Connection& connection, const ForwardSpec& rule);
/// Errors: not_found. @param external with the port range it was added with
[[nodiscard]] Result<> erase_forward(const Connection& connection, std::uint8_t protocol,
                                     const Endpoint& external);

}  // namespace sluice
