// SPDX-License-Identifier: GPL-2.0-or-later
// Kernel settings below /proc/sys; those below net/ are of the current network namespace.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

/// @param path below /proc/sys, `net/ipv4/conf/eth0/forwarding`
/// @return the value without its newline; none when this kernel has no such setting
[[nodiscard]] Result<std::optional<std::string>> read_sysctl(std::string_view path);

/// Errors: not_found when this kernel has no such setting.
[[nodiscard]] Result<> write_sysctl(std::string_view path, std::string_view value);

}  // namespace sluice
