// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/dscp.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <utility>

#include "sluice/abi/qos.h"

namespace sluice {
namespace {

/// The first name of a code point is the one that is shown. RFC 2474: be (best effort, df, cs0) and
/// the class selectors; 2597: assured forwarding; 3246: ef; 5865: va, voice that was admitted;
/// 8622: le, lower effort.
constexpr std::array<std::pair<std::string_view, std::uint8_t>, 25> code_points{{
    {"be", 0},    {"df", 0},    {"cs0", 0},   {"le", 1},    {"cs1", 8},
    {"af11", 10}, {"af12", 12}, {"af13", 14}, {"cs2", 16},  {"af21", 18},
    {"af22", 20}, {"af23", 22}, {"cs3", 24},  {"af31", 26}, {"af32", 28},
    {"af33", 30}, {"cs4", 32},  {"af41", 34}, {"af42", 36}, {"af43", 38},
    {"cs5", 40},  {"va", 44},   {"ef", 46},   {"cs6", 48},  {"cs7", 56},
}};

/// A name stands in any case: RFCs write EF, tc writes ef.
bool is_name(std::string_view text, std::string_view name) {
    const auto lower = [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    };
    if (text.size() != name.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (lower(text[i]) != name[i]) return false;
    return true;
}

}  // namespace

Result<std::uint8_t> parse_dscp(std::string_view text) {
    for (const auto& [name, dscp] : code_points)
        if (is_name(text, name)) return dscp;
    std::uint8_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number >= SL_DSCPS)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a DSCP", text),
                    "write a name (ef, va, af11 to af43, cs0 to cs7, be, le) or a number 0 to 63");
    return number;
}

std::string dscp_text(std::uint8_t dscp) {
    for (const auto& [name, known] : code_points)
        if (known == dscp) return std::string(name);
    return fmt::format("{}", dscp);
}

}  // namespace sluice
