// SPDX-License-Identifier: GPL-2.0-or-later
// Filters as the command line writes them: KEY=VALUE terms that must all hold, and of numbers
// KEY>VALUE, KEY>=VALUE and so on. Which keys there are is the caller's table, so that every
// listing shares one grammar and one set of error messages.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

enum class Comparison : std::uint8_t { equal, less, greater, at_most, at_least };

/// A term as it is written, in its parts.
struct FilterTerm {
    std::string_view text, key, value;
    Comparison comparison = Comparison::equal;

    /// None: it has no comparison in it.
    [[nodiscard]] static std::optional<FilterTerm> split(std::string_view text) {
        const auto at = text.find_first_of("=<>");
        if (at == text.npos) return std::nullopt;
        const bool or_equal = text[at] != '=' && text.substr(at + 1).starts_with('=');
        FilterTerm term{text, text.substr(0, at), text.substr(at + (or_equal ? 2 : 1))};
        if (text[at] == '<') term.comparison = or_equal ? Comparison::at_most : Comparison::less;
        if (text[at] == '>')
            term.comparison = or_equal ? Comparison::at_least : Comparison::greater;
        return term;
    }
};

/// @return whether `a` compares so with `b`
template <class Number>
[[nodiscard]] bool compares(Number a, Comparison comparison, Number b) {
    switch (comparison) {
        case Comparison::less:
            return a < b;
        case Comparison::greater:
            return a > b;
        case Comparison::at_most:
            return a <= b;
        case Comparison::at_least:
            return a >= b;
        case Comparison::equal:
            break;
    }
    return a == b;
}

template <class Row>
class Filter {
public:
    using Predicate = std::function<bool(const Row&)>;

    struct Key {
        std::string_view name;
        std::string_view value;    ///< how to write it, `CIDR`
        std::string_view meaning;  ///< one line for --help
        std::function<Result<Predicate>(std::string_view)> parse;
        /// Reads a number and a comparison; stands in place of `parse`.
        std::function<Result<Predicate>(std::string_view, Comparison)> compare = {};
    };

    [[nodiscard]] static Result<Filter> parse(std::span<const Key> keys,
                                              std::span<const std::string> terms) {
        Filter filter;
        for (const std::string_view text : terms) {
            const auto term = FilterTerm::split(text);
            if (!term)
                return fail(ErrorCode::usage,
                            fmt::format("filter term \"{}\" is not KEY=VALUE", text),
                            "keys: " + names(keys));
            SL_TRY(predicate, parse_term(keys, *term));
            filter.predicates_.push_back(std::move(predicate));
        }
        return filter;
    }

    [[nodiscard]] bool matches(const Row& row) const {
        for (const auto& predicate : predicates_)
            if (!predicate(row)) return false;
        return true;
    }
    [[nodiscard]] bool empty() const { return predicates_.empty(); }

    [[nodiscard]] static std::string help(std::span<const Key> keys) {
        std::string text;
        for (const auto& key : keys)
            text += fmt::format("  {:<22} {}\n",
                                fmt::format("{}{}{}", key.name, key.compare ? ">" : "=", key.value),
                                key.meaning);
        return text;
    }

private:
    static Result<Predicate> parse_term(std::span<const Key> keys, const FilterTerm& term) {
        for (const auto& key : keys) {
            if (key.name != term.key) continue;
            auto predicate = predicate_of(key, term);
            if (predicate) return predicate;
            return fail(ErrorCode::usage,
                        fmt::format("filter {}: {}", term.text, predicate.error().message),
                        predicate.error().hint);
        }
        return fail(ErrorCode::usage, fmt::format("unknown filter key \"{}\"", term.key),
                    "keys: " + names(keys));
    }

    static Result<Predicate> predicate_of(const Key& key, const FilterTerm& term) {
        if (key.compare) return key.compare(term.value, term.comparison);
        if (term.comparison == Comparison::equal) return key.parse(term.value);
        return fail(ErrorCode::usage, "this is not a number to compare with",
                    fmt::format("write {}={}", key.name, key.value));
    }

    static std::string names(std::span<const Key> keys) {
        std::string text;
        for (const auto& key : keys)
            text += fmt::format("{}{}", text.empty() ? "" : ", ", key.name);
        return text;
    }

    std::vector<Predicate> predicates_;
};

}  // namespace sluice
