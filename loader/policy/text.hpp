// SPDX-License-Identifier: GPL-2.0-or-later
// Policies as people read them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loader/policy/file.hpp"

namespace sluice {

/// What a rule asks for, by the key in the file.
struct PolicyProperty {
    std::string_view key;
    std::vector<std::string> values;
    bool operator==(const PolicyProperty&) const = default;
};
/// Writes in the order of the file's description; what it does not ask for is left out.
[[nodiscard]] std::vector<PolicyProperty> properties_of(const PolicyRule& rule);

/// `out vm:web1`, `in` (everywhere).
[[nodiscard]] std::string policy_default_text(const PolicyDefault& rule);

}  // namespace sluice
