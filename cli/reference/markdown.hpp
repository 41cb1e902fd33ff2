// SPDX-License-Identifier: GPL-2.0-or-later
// The pages of docs/reference/ that are made and not written.
#pragma once

#include <string>
#include <vector>

#include "cli/reference/maps.hpp"
#include "cli/reference/tree.hpp"

namespace sluice::cli {

[[nodiscard]] std::string drops_page();
[[nodiscard]] std::string events_page();
[[nodiscard]] std::string maps_page(const std::vector<MapReference>& maps);
[[nodiscard]] std::string commands_page(const Command& root);

}  // namespace sluice::cli
