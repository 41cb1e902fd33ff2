// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/clock.hpp"

#include <charconv>
#include <ctime>
#include <string>

namespace sluice {
namespace {

std::chrono::nanoseconds now(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// `Z`, `+02:00`, `-05:30`: seconds east of Greenwich.
std::optional<std::int64_t> parse_zone(std::string_view text) {
    if (text == "Z" || text == "z") return 0;
    if (text.size() != 6 || text[3] != ':' || (text[0] != '+' && text[0] != '-')) return {};
    unsigned hours = 0, minutes = 0;
    const auto hour = std::from_chars(text.data() + 1, text.data() + 3, hours);
    const auto minute = std::from_chars(text.data() + 4, text.data() + 6, minutes);
    if (hour.ptr != text.data() + 3 || minute.ptr != text.data() + 6 || hours > 23 || minutes > 59)
        return {};
    const std::int64_t seconds = (std::int64_t{hours} * 60 + minutes) * 60;
    return text[0] == '+' ? seconds : -seconds;
}

/// The fraction of a second that the text begins with, `.5`, which is taken off it.
std::chrono::nanoseconds take_fraction(std::string_view& text) {
    if (!text.starts_with('.')) return {};
    double fraction = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, fraction, std::chars_format::fixed);
    text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(fraction * 1e9));
}

}  // namespace

std::uint64_t now_monotonic() { return static_cast<std::uint64_t>(now(CLOCK_MONOTONIC).count()); }

std::int64_t now_wall_ms() {
    return std::chrono::floor<std::chrono::milliseconds>(now(CLOCK_REALTIME)).count();
}

WallTime wall_time(std::uint64_t monotonic_ns) {
    return WallTime(now(CLOCK_REALTIME) - now(CLOCK_MONOTONIC) +
                    std::chrono::nanoseconds(monotonic_ns));
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
    constexpr std::size_t date_length = 19;  // `2026-12-01T00:00:00`
    if (text.size() <= date_length) return std::nullopt;
    const std::string date(text.substr(0, date_length));
    std::tm parts{};
    const char* end = ::strptime(date.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    text.remove_prefix(date_length);
    const auto fraction = take_fraction(text);
    const auto zone = parse_zone(text);
    const std::tm written = parts;
    const std::chrono::seconds seconds(::timegm(&parts));
    // The 31st of November would become the 1st of December.
    if (end != date.c_str() + date_length || !zone || written.tm_mday != parts.tm_mday ||
        written.tm_sec != parts.tm_sec)
        return std::nullopt;
    return WallTime(seconds - std::chrono::seconds(*zone) + fraction);
}

}  // namespace sluice
