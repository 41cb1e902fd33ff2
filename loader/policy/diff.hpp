// SPDX-License-Identifier: GPL-2.0-or-later
// What differs between two policies.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/policy/file.hpp"

namespace sluice {

enum class PolicyChange : std::uint8_t { added, removed, changed, moved };
struct PolicyDifference {
    PolicyChange change = PolicyChange::added;
    std::string what;                   ///< `rule db-tier`, `group web`, `defaults`
    std::size_t before = 0, after = 0;  ///< numbers of a rule; 0 = there it is not
};

/// Rules are the same by their names; those that stand out of the order of the others have moved.
[[nodiscard]] std::vector<PolicyDifference> compare_policies(const PolicyFile& before,
                                                             const PolicyFile& after);

}  // namespace sluice
