// Events: read from the ring that the datapath writes, without ever keeping it waiting.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "loader/kernel/ring_reader.hpp"
#include "loader/monitor/counters.hpp"
#include "sluice/abi/event.h"

namespace sluice {

struct EventKind {
    sl_event_kind kind;
    std::string_view name, severity, meaning;
};
/// Every kind there is, in the order of the enum.
[[nodiscard]] const std::vector<EventKind>& event_kinds();
/// Errors: usage, with the kinds as the hint.
[[nodiscard]] Result<sl_event_kind> parse_event_kind(std::string_view text);

using EventReader = RingReader<sl_event>;

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// When a time of CLOCK_MONOTONIC was by the wall clock as it is set now.
[[nodiscard]] WallTime wall_time(std::uint64_t monotonic_ns);

}  // namespace sluice
