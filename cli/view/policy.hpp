// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice policy` answers.
#pragma once

#include <vector>

#include "cli/render/document.hpp"
#include "loader/policy/commands.hpp"

namespace sluice::cli {

/// @param now CLOCK_REALTIME, ms: what has expired
[[nodiscard]] Document policy_list_view(const LoadedPolicy& policy, std::int64_t now);
[[nodiscard]] Document policy_hits_view(const std::vector<PolicyHits>& hits);
[[nodiscard]] Document policy_diff_view(const std::vector<PolicyDifference>& differences);
/// @param explain with the rules that nearly fit
[[nodiscard]] Document policy_test_view(const PolicyTest& test, bool explain);

}  // namespace sluice::cli
