// SPDX-License-Identifier: GPL-2.0-or-later
// The compiler of policies: rules -> the image that the datapath judges by (sluice/abi/policy.h).
#pragma once

#include <cstdint>
#include <vector>

#include "loader/policy/resolve.hpp"

namespace sluice {

using PolicyImage = std::vector<sl_policy_line>;

/// What an image says of itself.
struct PolicyStamp {
    std::uint16_t generation = 1;
    std::uint64_t fingerprint = 0;
    /// CLOCK_REALTIME less CLOCK_MONOTONIC, ms: rules expire by the one, the datapath has the
    /// other.
    std::int64_t monotonic_zero = 0;
};

/// Errors: refused (the image would have more than SL_POLICY_LINES_MAX lines).
[[nodiscard]] Result<PolicyImage> compile_policy(const ResolvedPolicy& policy,
                                                 const PolicyStamp& stamp);

}  // namespace sluice
