// SPDX-License-Identifier: GPL-2.0-or-later
// Ports found by their names, and what is said where there is none.
#pragma once

#include <span>
#include <string_view>

#include "sluice/model/port.hpp"

namespace sluice {

/// Null: there is no port of this name.
[[nodiscard]] const PortSpec* find_port(std::span<const PortSpec> ports, std::string_view name);

/// Errors: not_found, with the nearest name as the hint.
[[nodiscard]] Result<const PortSpec*> require_port(std::span<const PortSpec> ports,
                                                   std::string_view name);

/// The same error where the ports' names are not at hand.
[[nodiscard]] std::unexpected<Error> not_a_port(std::string_view name);

}  // namespace sluice
