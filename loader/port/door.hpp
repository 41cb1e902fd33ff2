// SPDX-License-Identifier: GPL-2.0-or-later
// The door follows the ports: shut to a port before anything of it changes, open to it when all of
// it stands.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

/// The first of all that the kernel is told, and the last.
[[nodiscard]] std::unique_ptr<Feature> door_feature();

}  // namespace sluice
