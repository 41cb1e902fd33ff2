// SPDX-License-Identifier: GPL-2.0-or-later
// The policy: desired state -> the image in force.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"

namespace sluice {

/// Comes before the ports whose traffic it judges. What is in force stays if nothing that it was
/// made of has changed: text, leases of the VMs that it names, ports.
[[nodiscard]] std::unique_ptr<Feature> policy_feature();

}  // namespace sluice
