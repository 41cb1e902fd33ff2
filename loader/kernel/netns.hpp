// SPDX-License-Identifier: GPL-2.0-or-later
// Network namespaces. Only CLONE_NEWNET is ever changed: `ip netns exec` makes a mount
// namespace too, which hides the bpffs and with it every pin.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

/// Which namespace: the device and inode of its nsfs file, unique while the host runs.
struct NetnsId {
    std::uint64_t dev = 0;
    std::uint64_t ino = 0;
    auto operator<=>(const NetnsId&) const = default;
};

/// `blue` -> /run/netns/blue; anything with a slash is a path already.
[[nodiscard]] std::string netns_path(std::string_view name_or_path);

/// Moves the calling thread there: call it before any thread or socket is made.
/// Errors: not_found (no such namespace), usage (the file is not a network namespace).
[[nodiscard]] Result<> enter_netns(std::string_view name_or_path);

[[nodiscard]] Result<NetnsId> current_netns();

}  // namespace sluice
