// SPDX-License-Identifier: GPL-2.0-or-later
// What somebody may have meant who wrote a name that there is not.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace sluice {

/// The name that is most like what was written; none if none is like it (more than two letters
/// changed, added or left out).
[[nodiscard]] std::optional<std::string_view> nearest_name(std::span<const std::string_view> names,
                                                           std::string_view written);

}  // namespace sluice
