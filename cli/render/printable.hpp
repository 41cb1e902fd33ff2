// SPDX-License-Identifier: GPL-2.0-or-later
// Text that does to a terminal what it says and nothing else.
#pragma once

#include <string>
#include <string_view>

namespace sluice::cli {

/// Control characters but line feed and tab, and bytes that are no UTF-8, as `\x1b`: names of
/// interfaces are bytes that anybody may have chosen.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace sluice::cli
