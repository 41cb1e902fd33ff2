// SPDX-License-Identifier: GPL-2.0-or-later
// Request and response by UDP: how long one waits for an answer through a gateway.
#pragma once

#include <chrono>
#include <cstdint>

#include "sluice/net.hpp"

namespace sluice::bench {

struct AskSpec {
    Address host;  ///< IPv4
    std::uint16_t port = 0;
    std::chrono::milliseconds duration{1000};
    int cpu = 0;
};

/// Percentiles in microseconds. What is lost is in none of them.
struct Trips {
    std::uint64_t requests = 0, lost = 0;
    double p50 = 0, p99 = 0, p999 = 0;
};

/// Sends back what comes to an IPv4 UDP port. Returns only when it fails.
[[nodiscard]] Result<> echo(std::uint16_t port, int cpu);

/// One request at a time; the next one follows its answer.
[[nodiscard]] Result<Trips> ask(const AskSpec& spec);

}  // namespace sluice::bench
