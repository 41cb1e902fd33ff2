// SPDX-License-Identifier: GPL-2.0-or-later
// Detectors: desired state -> sl_detect_rules.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

[[nodiscard]] std::unique_ptr<Feature> detect_feature();

}  // namespace sluice
