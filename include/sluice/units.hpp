// Durations and counts as the command line writes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "sluice/error.hpp"

namespace sluice {

/// `250ms`, `300s`, `5m`, `2h`, `1d`; a bare number is refused with a hint.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);

/// `1000`, `64k`, `1m` (decimal thousands and millions): a number of things.
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view text);

/// `1.5 GB`, for people: decimal units, three significant digits.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

}  // namespace sluice
