// SPDX-License-Identifier: GPL-2.0-or-later
// Events have nothing to be applied; what the datapath keeps of them for a port is forgotten here.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

[[nodiscard]] std::unique_ptr<Feature> event_feature();

}  // namespace sluice
