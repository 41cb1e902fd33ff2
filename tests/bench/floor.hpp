// SPDX-License-Identifier: GPL-2.0-or-later
// The floors: programs that only redirect, or only drop; left attached until the interface goes.
#pragma once

#include <string>

#include "sluice/error.hpp"

namespace sluice::bench {

enum class Hook { tc, xdp };

/// Sends all that enters `in` out of `out`.
/// Errors: unsupported (tc needs tcx, Linux 6.6).
[[nodiscard]] Result<> attach_floor(Hook hook, const std::string& in, const std::string& out);

/// Drops all that enters `in`, in XDP.
[[nodiscard]] Result<> attach_drop_floor(const std::string& in);

}  // namespace sluice::bench
