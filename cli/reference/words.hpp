// SPDX-License-Identifier: GPL-2.0-or-later
// What a shell may offer at each place of the command line.
#pragma once

#include <string>
#include <vector>

#include "cli/reference/tree.hpp"

namespace sluice::cli {

/// Words as they are typed. `@ports`, `@files` and so on stand for what the completion itself finds
/// out, and `name=` for a key of which the value is yet to come.
using Words = std::vector<std::string>;

/// @param line of the command
[[nodiscard]] Words words_of(const std::string& line, const Argument& argument);
[[nodiscard]] Words words_of(const FilterKey& key);

/// Whether the argument is written in terms of the command's keys.
[[nodiscard]] bool takes_keys(const Argument& argument);

}  // namespace sluice::cli
