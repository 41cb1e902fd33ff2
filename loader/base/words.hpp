// SPDX-License-Identifier: GPL-2.0-or-later
// Words that stand for the values of an enum, and texts that are made of small parts.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sluice/error.hpp"

namespace sluice {

template <class Value, std::size_t Count>
using Words = std::array<std::pair<Value, std::string_view>, Count>;

/// The value of a word; none: it is none of these.
template <class Value, std::size_t Count>
std::optional<Value> find_word(std::string_view text, const Words<Value, Count>& words) {
    for (const auto& [value, word] : words)
        if (word == text) return value;
    return std::nullopt;
}

/// The same. Errors: usage, with all words as the hint.
template <class Value, std::size_t Count>
Result<Value> parse_word(std::string_view text, const Words<Value, Count>& words,
                         std::string_view what) {
    if (const auto value = find_word(text, words)) return *value;
    std::string known;
    for (const auto& [value, word] : words)
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    return fail(ErrorCode::usage, fmt::format("`{}` is not a {}", text, what),
                "it is one of " + known);
}

/// The word of a value, which has one.
template <class Value, std::size_t Count>
std::string_view word_of(Value value, const Words<Value, Count>& words) {
    for (const auto& [known, word] : words)
        if (known == value) return word;
    std::unreachable();
}

/// A whole number 0..last; none: it is no such number.
template <class Number>
std::optional<Number> parse_up_to(std::string_view text, Number last) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > last) return {};
    return number;
}

/// Calls add(from, to) for each part of `from:to,from:to`.
/// @param add Result<>(std::string_view from, std::string_view to): of each `from:to`
template <class Add>
Result<> each_pair(std::string_view text, Add&& add) {
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        const auto part = text.substr(0, comma);
        const auto colon = std::min(part.find(':'), part.size());
        SL_CHECK(add(part.substr(0, colon), part.substr(std::min(colon + 1, part.size()))));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return {};
}

}  // namespace sluice
