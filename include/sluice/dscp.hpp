// SPDX-License-Identifier: GPL-2.0-or-later
// Differentiated services code points (RFC 2474) as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

/// `ef`, `af41`, `cs6`, `be`, `le`, `va`, or a number 0..63 (RFC 2597, 3246, 4594, 5865, 8622).
[[nodiscard]] Result<std::uint8_t> parse_dscp(std::string_view text);
/// The name if there is one, else the number.
[[nodiscard]] std::string dscp_text(std::uint8_t dscp);

}  // namespace sluice
