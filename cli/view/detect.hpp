// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice detect` answers.
#pragma once

#include "cli/render/document.hpp"
#include "loader/model/detectors.hpp"

namespace sluice::cli {

[[nodiscard]] Document detectors_view(const std::vector<DetectorSpec>& detectors);

}  // namespace sluice::cli
