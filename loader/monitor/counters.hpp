// SPDX-License-Identifier: GPL-2.0-or-later
// Counters, summed over all CPUs.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "loader/event/reasons.hpp"
#include "loader/instance/target.hpp"
#include "sluice/abi/stats.h"

namespace sluice {

struct PortCounters {
    std::string port;
    sl_port_stats stats{};
    /// observed = forwarded + passed + dropped, packets and bytes, in both directions
    bool consistent = false;
};
[[nodiscard]] Result<std::vector<PortCounters>> read_port_counters(const Target& target);

/// A port whose queue has a latency target (QosPortSpec::latency): what left, and what had to wait
/// longer or was dropped for it.
struct LatencyCounters {
    std::string port;
    std::chrono::microseconds target{0};
    sl_counter sent{}, late{}, dropped{};
};
[[nodiscard]] Result<std::vector<LatencyCounters>> read_latencies(const Target& target);

struct DropCounter {
    std::string port;
    const DropReason* reason = nullptr;
    sl_counter count{};
};
/// One for each port and reason, zeros included.
[[nodiscard]] Result<std::vector<DropCounter>> read_drops(const Target& target);

}  // namespace sluice
