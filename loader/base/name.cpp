// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/name.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice {
namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

}  // namespace

Result<> check_name(std::string_view name, const NameRule& rule) {
    const auto fits = [&](char c) { return is_letter_or_digit(c) || rule.marks.contains(c); };
    if (!name.empty() && name.size() <= rule.longest && !name.starts_with('-') &&
        std::ranges::all_of(name, fits))
        return {};
    return fail(ErrorCode::usage, fmt::format("`{}` is not {}", name, rule.what),
                fmt::format("it is 1 to {} letters, digits and `{}`, and does not start with `-`",
                            rule.longest, rule.marks));
}

}  // namespace sluice
