// SPDX-License-Identifier: GPL-2.0-or-later
// What this thread may do beyond what any user may: capabilities(7).
#pragma once

#include <span>

#include "sluice/error.hpp"

namespace sluice {

/// @param capability CAP_NET_ADMIN of linux/capability.h
[[nodiscard]] bool has_capability(int capability);

/// Gives up all others for good, and what executing a file would give. Of the calling thread, and
/// of those that it starts from now on.
[[nodiscard]] Result<> keep_capabilities(std::span<const int> kept);

}  // namespace sluice
