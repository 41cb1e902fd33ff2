// SPDX-License-Identifier: GPL-2.0-or-later
// What time it is, by which clock, and as RFC 3339 writes it. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// CLOCK_MONOTONIC, ns: what the datapath writes.
[[nodiscard]] std::uint64_t now_monotonic();

/// CLOCK_REALTIME, ms.
[[nodiscard]] std::int64_t now_wall_ms();

/// When a time of CLOCK_MONOTONIC was by the wall clock as it is set now.
[[nodiscard]] WallTime wall_time(std::uint64_t monotonic_ns);

/// `2026-12-01T00:00:00Z`, `2026-12-01T02:00:00.5+02:00`. None: it is no such time.
[[nodiscard]] std::optional<WallTime> parse_rfc3339(std::string_view text);

}  // namespace sluice
