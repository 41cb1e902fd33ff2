// SPDX-License-Identifier: GPL-2.0-or-later
// Manual pages, in the man macros: sluice.8, and one for each object.
#pragma once

#include <map>
#include <string>

#include "cli/reference/tree.hpp"

namespace sluice::cli {

/// @param form of sluice.8: cli/man/sluice.8
/// @return by file name
[[nodiscard]] std::map<std::string, std::string> man_pages(const Command& root,
                                                           const std::string& form);

}  // namespace sluice::cli
