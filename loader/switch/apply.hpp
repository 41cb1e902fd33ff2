// SPDX-License-Identifier: GPL-2.0-or-later
// The switch: plan -> sl_switch_ports, sl_vlans, sl_vlan_members, sl_vlan_maps, static sl_fdb.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

[[nodiscard]] std::unique_ptr<Feature> switch_feature();

}  // namespace sluice
