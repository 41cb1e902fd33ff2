// SPDX-License-Identifier: GPL-2.0-or-later
// Completion for bash, zsh and fish: what cli/completion/ has, with the tables put in.
#pragma once

#include <string>

#include "cli/reference/tree.hpp"

namespace sluice::cli {

/// @param form the file in cli/completion/
[[nodiscard]] std::string bash_completion(const Command& root, const std::string& form);
[[nodiscard]] std::string zsh_completion(const Command& root, const std::string& form);
[[nodiscard]] std::string fish_completion(const Command& root, const std::string& form);

}  // namespace sluice::cli
