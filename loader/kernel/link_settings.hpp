// SPDX-License-Identifier: GPL-2.0-or-later
// Settings of an interface that switching needs. All functions are thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "sluice/error.hpp"

namespace sluice {

/// Whether the device takes the tags out of frames that it receives, so that XDP does not see them.
/// A device without such a setting does not.
[[nodiscard]] bool takes_tags_out(const std::string& interface);
[[nodiscard]] Result<> set_takes_tags_out(const std::string& interface, bool on);

/// Takes frames for every MAC, not for its own alone: `ip link set IF promisc on`.
[[nodiscard]] Result<> set_promiscuous(std::uint32_t ifindex, bool on);

}  // namespace sluice
