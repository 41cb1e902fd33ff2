// SPDX-License-Identifier: GPL-2.0-or-later
// What names that users choose may look like: they become parts of paths and of other programs'
// files, and appear in tables.
#pragma once

#include <cstddef>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

struct NameRule {
    std::string_view what;  ///< for the error, "a VM name"
    std::size_t longest = 64;
    std::string_view marks = "._-+@";  ///< that it may have beside ASCII letters and digits
};

/// A name has 1 to `rule.longest` letters, digits and marks, and does not start with `-`, as
/// options do. Errors: usage.
[[nodiscard]] Result<> check_name(std::string_view name, const NameRule& rule);

}  // namespace sluice
