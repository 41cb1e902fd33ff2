// The floors: redirect-only programs between two interfaces, left attached.
#pragma once

#include <string>

#include "sluice/error.hpp"

namespace sluice::bench {

enum class Hook { tc, xdp };

/// Sends all that enters `in` out of `out`. Goes when `in` goes.
/// Errors: unsupported (tc needs tcx, Linux 6.6).
[[nodiscard]] Result<> attach_floor(Hook hook, const std::string& in, const std::string& out);

}  // namespace sluice::bench
