// SPDX-License-Identifier: GPL-2.0-or-later
// NAT: desired state -> sl_masquerades, sl_pools and what hangs on them, sl_forwards.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

[[nodiscard]] std::unique_ptr<Feature> nat_feature();

}  // namespace sluice
