// SPDX-License-Identifier: GPL-2.0-or-later
// What was typed, turned into values when the command runs, so that errors are ours.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.hpp"

namespace sluice::cli {

/// @param option for the error, `--qinq`
[[nodiscard]] inline Result<bool> parse_on_off(std::string_view option, std::string_view text) {
    if (text == "on" || text == "off") return text == "on";
    return fail(ErrorCode::usage, fmt::format("{} {}: it is on or off", option, text));
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
