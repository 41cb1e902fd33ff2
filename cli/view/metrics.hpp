// SPDX-License-Identifier: GPL-2.0-or-later
// What `sluice serve` answers, as Prometheus has it.
#pragma once

#include <vector>

#include "cli/render/families.hpp"
#include "loader/monitor/metrics.hpp"

namespace sluice::cli {

/// @param reading an error: nothing is told but that the instance is not up
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const Target& target,
                                                                    const Result<Metrics>& reading);

/// Its part about QoS.
void add_qos_families(Families& families, const std::vector<QosPortStatus>& ports);

}  // namespace sluice::cli
