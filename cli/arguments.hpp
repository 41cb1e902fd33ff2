// SPDX-License-Identifier: GPL-2.0-or-later
// What was typed, turned into values when the command runs, so that errors are ours.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.hpp"
#include "sluice/units.hpp"

namespace sluice::cli {

/// @param option for the error, `--qinq`
[[nodiscard]] inline Result<bool> parse_on_off(std::string_view option, std::string_view text) {
    if (text == "on" || text == "off") return text == "on";
    return fail(ErrorCode::usage, fmt::format("{} {}: it is on or off", option, text));
}

/// A number from 1 on, or the word that stands for 0.
[[nodiscard]] inline Result<std::uint32_t> parse_limit(std::string_view option,
                                                       const std::string& text,
                                                       std::string_view no_limit,
                                                       std::uint32_t most = 1'000'000'000) {
    if (text == no_limit) return 0u;
    const auto count = parse_count(text);
    if (count && *count >= 1 && *count <= most) return static_cast<std::uint32_t>(*count);
    return fail(ErrorCode::usage, fmt::format("{} {} is out of range", option, text),
                fmt::format("1 to {}, or {}", most, no_limit));
}

/// Between two looks.
[[nodiscard]] inline Result<std::chrono::milliseconds> parse_interval(std::string_view text) {
    using namespace std::chrono_literals;
    SL_TRY(interval, parse_duration(text));
    SL_CHECK(check_duration("--interval", interval, 10ms, 1h));
    return interval;
}

/// @param into stays as it is if nothing was typed
/// @param parse Result<Value>(std::string_view)
template <class Value, class Parse>
[[nodiscard]] Result<> parse_into(std::optional<Value>& into, const std::string& typed,
                                  Parse parse) {
    if (typed.empty()) return {};
    SL_TRY(value, parse(typed));
    into = std::move(value);
    return {};
}

}  // namespace sluice::cli
