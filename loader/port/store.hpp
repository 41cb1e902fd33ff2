// SPDX-License-Identifier: GPL-2.0-or-later
// Ports in state.db. Works inside the connection's transaction; not thread-safe.
#pragma once

#include <string_view>
#include <vector>

#include "loader/store/sqlite.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// Loads ports in the order of their names.
[[nodiscard]] Result<std::vector<PortSpec>> load_ports(const Connection& connection);

/// Gives the lowest free id. Errors: refused (there already, or 1023 ports).
[[nodiscard]] Result<PortSpec> add_port(const Connection& connection, PortSpec port);
/// Replaces all but name and id. Errors: not_found.
[[nodiscard]] Result<> put_port(const Connection& connection, const PortSpec& port);
/// Errors: not_found.
[[nodiscard]] Result<> erase_port(const Connection& connection, std::string_view name);

}  // namespace sluice
