// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice qos` answers.
#pragma once

#include <vector>

#include "cli/render/document.hpp"
#include "loader/qos/commands.hpp"

namespace sluice::cli {

[[nodiscard]] Document qos_ports_view(const std::vector<QosPortStatus>& ports);
[[nodiscard]] Document qos_port_view(const QosPortStatus& port);
[[nodiscard]] Document qos_classes_view(const std::vector<QosClassSpec>& classes);

}  // namespace sluice::cli
