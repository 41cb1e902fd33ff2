// SPDX-License-Identifier: GPL-2.0-or-later
// QoS: desired state -> sl_qos and its tables, and the qdiscs of interfaces.
#pragma once

#include <memory>

#include "loader/instance/feature.hpp"
#include "loader/qos/plan.hpp"

namespace sluice {

/// Looks for fq only if it matters: a module may be loaded for the question.
[[nodiscard]] Result<QosPlan> plan_qos_here(const DesiredState& desired, const Host& host);

/// Rates, classes and qdiscs come before the ports that turn to them.
[[nodiscard]] std::unique_ptr<Feature> qos_feature();

}  // namespace sluice
