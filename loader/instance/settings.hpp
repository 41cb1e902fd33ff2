// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of an instance that can be changed while it is up.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

[[nodiscard]] std::unique_ptr<Feature> settings_feature();

}  // namespace sluice
