// Filters as the command line writes them: KEY=VALUE terms that must all hold. Which keys
// there are is the caller's table, so that every listing shares one grammar and one set of
// error messages.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/error.hpp"

namespace sluice {

template <class Row>
class Filter {
public:
    using Predicate = std::function<bool(const Row&)>;

    struct Key {
        std::string_view name;
        std::string_view value;    ///< how to write it, `CIDR`
        std::string_view meaning;  ///< one line for --help
        std::function<Result<Predicate>(std::string_view)> parse;
    };

    [[nodiscard]] static Result<Filter> parse(std::span<const Key> keys,
                                              std::span<const std::string> terms) {
        Filter filter;
        for (const std::string_view term : terms) {
            const auto equals = term.find('=');
            if (equals == term.npos)
                return fail(ErrorCode::usage,
                            fmt::format("filter term \"{}\" is not KEY=VALUE", term),
                            "keys: " + names(keys));
            SL_TRY(predicate, parse_term(keys, term.substr(0, equals), term.substr(equals + 1)));
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
            text += fmt::format("  {:<22} {}\n", fmt::format("{}={}", key.name, key.value),
                                key.meaning);
        return text;
    }

private:
    static Result<Predicate> parse_term(std::span<const Key> keys, std::string_view name,
                                        std::string_view value) {
        for (const auto& key : keys) {
            if (key.name != name) continue;
            auto predicate = key.parse(value);
            if (predicate) return predicate;
            return fail(ErrorCode::usage,
                        fmt::format("filter {}={}: {}", name, value, predicate.error().message),
                        predicate.error().hint);
        }
        return fail(ErrorCode::usage, fmt::format("there is no filter key \"{}\"", name),
                    "keys: " + names(keys));
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
