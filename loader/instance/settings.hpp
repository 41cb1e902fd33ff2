// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of an instance: what they may be, and how the maps follow those that can be changed
// while it is up.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

/// Whether an instance can be set so. Errors: usage, naming the option of `up`.
[[nodiscard]] Result<> check_settings(const Settings& settings);

[[nodiscard]] std::unique_ptr<Feature> settings_feature();

}  // namespace sluice
