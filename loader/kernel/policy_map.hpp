// SPDX-License-Identifier: GPL-2.0-or-later
// The policy's image in the kernel: map sl_policy.
#pragma once

#include <optional>
#include <span>

#include "loader/kernel/map.hpp"
#include "sluice/abi/policy.h"

namespace sluice {

/// The outer map; its one slot holds the image in force.
using PolicyMap = Map<__u32, __u32>;

/// Reads the header of the image in force; none: there is no image.
[[nodiscard]] Result<std::optional<sl_policy_header>> read_policy_header(const PolicyMap& map);

/// Puts an image in the place of the one in force, at once and wholly. When it returns no program
/// judges by the other one any more.
/// @param map its fd
[[nodiscard]] Result<> put_policy_image(int map, std::span<const sl_policy_line> image);

/// Bytes of the image in force.
[[nodiscard]] Result<std::uint64_t> policy_image_memory(const PolicyMap& map);

[[nodiscard]] Result<> remove_policy_image(const PolicyMap& map);

}  // namespace sluice
