// SPDX-License-Identifier: GPL-2.0-or-later
// Internal ports: the host's interfaces in VLANs, which sluice makes and takes away.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

/// Makes the pairs that are wanted and not there, removes the instance's that are not, and gives
/// the host's ends the addresses of their ports. Without --address an interface's addresses are
/// its administrator's.
[[nodiscard]] std::unique_ptr<Feature> internal_port_feature();

}  // namespace sluice
