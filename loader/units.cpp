#include "sluice/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace sluice {
namespace {

using Unit = std::pair<std::string_view, std::uint64_t>;

/// DIGITS SUFFIX, times what the suffix stands for; none if malformed or too large.
template <std::size_t Count>
std::optional<std::uint64_t> parse_scaled(std::string_view text,
                                          const std::array<Unit, Count>& units) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    const std::string_view suffix(end, text.data() + text.size());
    for (const auto& [name, factor] : units) {
        if (name != suffix) continue;
        if (number > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
        return number * factor;
    }
    return std::nullopt;
}

constexpr std::array<Unit, 5> durations{{
    {"d", 86'400'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

constexpr std::array<Unit, 3> counts{{{"", 1}, {"k", 1'000}, {"m", 1'000'000}}};

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto milliseconds = parse_scaled(text, durations);
    if (!milliseconds)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a duration", text),
                    "write a number and its unit: 250ms, 300s, 5m, 2h, 1d");
    return std::chrono::milliseconds(*milliseconds);
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto milliseconds = static_cast<std::uint64_t>(duration.count());
    if (milliseconds == 0) return "0s";
    for (const auto& [name, factor] : durations)
        if (milliseconds % factor == 0) return fmt::format("{}{}", milliseconds / factor, name);
    std::unreachable();
}

Result<std::uint64_t> parse_count(std::string_view text) {
    const auto count = parse_scaled(text, counts);
    if (!count)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a number of things", text),
                    "write 1000, 64k or 1m");
    return *count;
}

std::string bytes_text(std::uint64_t bytes) {
    static constexpr std::array<std::string_view, 7> units{"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    // 999.5 and above would round to a fourth digit.
    for (; value >= 999.5; value /= 1000) ++unit;
    return fmt::format("{:.3g} {}", value, units[unit]);
}

}  // namespace sluice
