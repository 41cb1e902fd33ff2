// SPDX-License-Identifier: GPL-2.0-or-later
// Guards in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/guard.hpp"

namespace sluice {

/// Loads the guards by the names of their ports; lists in the order they were given.
[[nodiscard]] Result<std::vector<GuardSpec>> load_guards(const Connection& connection);

/// Makes or replaces the guard of a port. Errors: not_found (no such port).
[[nodiscard]] Result<> put_guard(const Connection& connection, const GuardSpec& guard);

/// @return whether there was one; a port's guard goes with its port by itself
[[nodiscard]] Result<bool> erase_guard(const Connection& connection, std::string_view port);

}  // namespace sluice
