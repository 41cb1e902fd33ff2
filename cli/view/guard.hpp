// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice guard` answers.
#pragma once

#include <vector>

#include "cli/render/document.hpp"
#include "loader/guard/commands.hpp"

namespace sluice::cli {

[[nodiscard]] Document guards_view(const std::vector<GuardStatus>& guards);
[[nodiscard]] Document guard_view(const GuardStatus& guard);

}  // namespace sluice::cli
