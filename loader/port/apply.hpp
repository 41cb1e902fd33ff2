// SPDX-License-Identifier: GPL-2.0-or-later
// Ports: plan -> sl_ports, sl_xdp_targets, attached programs and forwarding sysctls.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

/// The last of all: what a port turns to is there by then.
[[nodiscard]] std::unique_ptr<Feature> port_feature();

}  // namespace sluice
