// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
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

constexpr std::array<Unit, 6> short_durations{{
    {"d", 86'400'000'000},
    {"h", 3'600'000'000},
    {"m", 60'000'000},
    {"s", 1'000'000},
    {"ms", 1'000},
    {"us", 1},
}};

constexpr std::array<Unit, 3> counts{{{"", 1}, {"k", 1'000}, {"m", 1'000'000}}};

constexpr std::uint64_t kilo = 1'000, mega = 1'000'000, giga = 1'000'000'000, tera = kilo * giga;
constexpr std::uint64_t bits_of_byte = 8;

constexpr std::array<Unit, 15> rates{{
    {"tbit", tera},
    {"gbit", giga},
    {"mbit", mega},
    {"kbit", kilo},
    {"bit", 1},
    {"tbps", tera},
    {"gbps", giga},
    {"mbps", mega},
    {"kbps", kilo},
    {"bps", 1},
    {"tbyte", bits_of_byte* tera},
    {"gbyte", bits_of_byte* giga},
    {"mbyte", bits_of_byte* mega},
    {"kbyte", bits_of_byte* kilo},
    {"byte", bits_of_byte},
}};
/// Those of `rates` that rates are written in.
constexpr std::size_t written_rates = 5;

constexpr std::array<Unit, 8> packet_rates{{
    {"gpps", giga},
    {"mpps", mega},
    {"kpps", kilo},
    {"pps", 1},
    {"g", giga},
    {"m", mega},
    {"k", kilo},
    {"", 1},
}};
constexpr std::size_t written_packet_rates = 4;

constexpr std::array<Unit, 13> sizes{{
    {"tb", tera},
    {"tib", 1ull << 40},
    {"gb", giga},
    {"gib", 1ull << 30},
    {"mb", mega},
    {"mib", 1ull << 20},
    {"kb", kilo},
    {"kib", 1ull << 10},
    {"b", 1},
    {"gbyte", giga},
    {"mbyte", mega},
    {"kbyte", kilo},
    {"byte", 1},
}};
constexpr std::size_t written_sizes = 9;

constexpr std::string_view unlimited_text = "unlimited";
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t least_rate = 64 * kilo, greatest_rate = 100 * giga;
constexpr std::uint64_t greatest_packet_rate = giga;
constexpr std::uint64_t greatest_size = std::numeric_limits<std::int64_t>::max();

/// WHOLE[.FRACTION]SUFFIX.
struct Quantity {
    std::uint64_t whole = 0;          ///< UINT64_MAX also for all that is more
    std::uint64_t fraction = 0;       ///< of `parts`
    std::uint64_t parts = 1;          ///< a power of ten
    std::string_view number, suffix;  ///< as they stand
};

constexpr std::size_t most_digits = 18;  ///< of a fraction; ten to their power fits

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t from) {
    std::size_t end = from;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - from;
}

/// None if it does not begin with a number, or one of too many digits.
std::optional<Quantity> parse_quantity(std::string_view text) {
    const auto whole = digits_at(text, 0);
    if (whole == 0) return std::nullopt;
    Quantity quantity;
    const auto digits = text.substr(0, whole);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), quantity.whole);
    if (read.ec != std::errc{}) quantity.whole = std::numeric_limits<std::uint64_t>::max();
    auto end = whole;
    if (end < text.size() && text[end] == '.') {
        const auto places = digits_at(text, end + 1);
        if (places == 0 || places > most_digits) return std::nullopt;
        for (const char digit : text.substr(end + 1, places)) {
            quantity.fraction = quantity.fraction * 10 + static_cast<std::uint64_t>(digit - '0');
            quantity.parts *= 10;
        }
        end += 1 + places;
    }
    quantity.number = text.substr(0, end);
    quantity.suffix = text.substr(end);
    return quantity;
}

/// In the unit of which `factor` is a multiple: UINT64_MAX if too large, none if that is no whole
/// number.
std::optional<std::uint64_t> times(const Quantity& quantity, std::uint64_t factor) {
    const auto common = std::gcd(factor, quantity.parts);
    const auto least = quantity.parts / common;  // the least fraction that is a whole number
    if (quantity.fraction % least != 0) return std::nullopt;
    const auto rest = quantity.fraction / least * (factor / common);  // less than factor
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    if (quantity.whole > (most - rest) / factor) return most;
    return quantity.whole * factor + rest;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& letter : lower)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return lower;
}

/// @return none if it is none of these, or no whole number of the smallest
std::optional<std::uint64_t> in_units(std::string_view text, std::span<const Unit> units) {
    const auto quantity = parse_quantity(text);
    if (!quantity) return std::nullopt;
    const auto suffix = lower_case(quantity->suffix);
    for (const auto& [name, factor] : units)
        if (name == suffix) return times(*quantity, factor);
    return std::nullopt;
}

/// A whole number of a unit, in the fewest letters.
std::string shortest_text(std::uint64_t value, std::span<const Unit> units) {
    std::string shortest;
    for (const auto& [name, factor] : units) {
        if (value % factor != 0) continue;
        auto text = fmt::format("{}{}", value / factor, name);
        if (shortest.empty() || text.size() < shortest.size()) shortest = std::move(text);
    }
    return shortest;
}

/// `k`, `m`, `g`, `t` or nothing: what a suffix that means bits or bytes begins with.
std::string_view magnitude(std::string_view lower_suffix) {
    constexpr std::string_view letters = "kmgt";
    const bool has = !lower_suffix.empty() && letters.find(lower_suffix[0]) != letters.npos;
    return lower_suffix.substr(0, has ? 1 : 0);
}

/// What to write for a rate that is none.
std::string rate_hint(std::string_view text) {
    const auto quantity = parse_quantity(text);
    if (!quantity) return "write a number and its unit: 100mbit, 1.5gbit, 12mbyte; or unlimited, 0";
    const auto number = quantity->number;
    const auto suffix = lower_case(quantity->suffix);
    const auto size = magnitude(suffix);
    if (suffix.empty())
        return fmt::format("write its unit: {0}kbit, {0}mbit, {0}gbit; 0 blocks", number);
    const auto unit = std::string_view(suffix).substr(size.size());
    for (const auto* of_bytes_or_bits : {"b", "b/s", "bps", "ib", ""})
        if (unit == of_bytes_or_bits)
            return fmt::format("write {0}{1}bit for bits, {0}{1}byte for bytes a second", number,
                               size);
    if (unit == "bit/s" || unit == "bits") return fmt::format("write {}{}bit", number, size);
    if (unit == "byte/s" || unit == "bytes") return fmt::format("write {}{}byte", number, size);
    if (unit == "pps") return "packets a second go with --pps; a rate is in bits: 100mbit";
    if (unit == "bit" || unit == "byte") return "a rate is a whole number of bits a second";
    return "the units are kbit, mbit, gbit, and kbyte, mbyte, gbyte for bytes a second";
}

std::string size_hint(std::string_view text) {
    const auto quantity = parse_quantity(text);
    if (!quantity) return "write a number and its unit: 64kb, 1.5mb, 64kib, 1500b";
    const auto suffix = lower_case(quantity->suffix);
    const auto size = magnitude(suffix);
    const auto unit = std::string_view(suffix).substr(size.size());
    if (suffix.empty()) return fmt::format("write its unit: {0}b, {0}kb, {0}mb", quantity->number);
    if (unit == "bit" || unit == "bps")
        return fmt::format("a size is in bytes: {}{}b is that many bytes", quantity->number, size);
    if (unit.empty()) return fmt::format("write {}{}b", quantity->number, size);
    if (unit == "b" || unit == "ib" || unit == "byte") return "a size is a whole number of bytes";
    return "the units are b, kb, mb, gb (thousands) and kib, mib, gib (of 1024)";
}

/// `1GBps` means bytes to one and bits to another.
bool says_bits(std::string_view text) {
    const auto lower = lower_case(text);
    return !lower.ends_with("bps") || text.ends_with("bps");
}

/// In decimal units, three significant digits.
std::string people_text(double value, std::span<const std::string_view> units) {
    std::size_t unit = 0;
    // 999.5 and above would round to a fourth digit.
    for (; value >= 999.5 && unit + 1 < units.size(); value /= 1000) ++unit;
    return fmt::format("{:.3g} {}", value, units[unit]);
}

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

Result<> check_duration(std::string_view option, std::chrono::milliseconds duration,
                        std::chrono::milliseconds least, std::chrono::milliseconds most) {
    if (duration >= least && duration <= most) return {};
    return fail(ErrorCode::usage,
                fmt::format("{} {} is out of range", option, duration_text(duration)),
                fmt::format("{} to {}", duration_text(least), duration_text(most)));
}

Result<std::chrono::microseconds> parse_short_duration(std::string_view text) {
    const auto microseconds = parse_scaled(text, short_durations);
    if (!microseconds)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a duration", text),
                    "write a whole number and its unit: 500us, 2ms, 1s");
    return std::chrono::microseconds(*microseconds);
}

std::string short_duration_text(std::chrono::microseconds duration) {
    const auto microseconds = static_cast<std::uint64_t>(duration.count());
    if (microseconds == 0) return "0s";
    for (const auto& [name, factor] : short_durations)
        if (microseconds % factor == 0) return fmt::format("{}{}", microseconds / factor, name);
    std::unreachable();
}

Result<std::uint64_t> parse_rate(std::string_view text) {
    if (text == unlimited_text) return no_limit;
    const auto rate = says_bits(text) ? in_units(text, rates) : std::nullopt;
    if (text != "0" && !rate)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a rate", text), rate_hint(text));
    const auto bits = rate.value_or(0);
    if (bits != 0 && (bits < least_rate || bits > greatest_rate))
        return fail(ErrorCode::usage,
                    fmt::format("a rate of {} is {}", text,
                                bits < least_rate ? "less than 64kbit" : "more than 100gbit"),
                    "rates are 64kbit to 100gbit; 0 blocks, `unlimited` does not limit");
    return bits;
}

std::string rate_text(std::uint64_t bits_per_second) {
    if (bits_per_second == no_limit) return std::string(unlimited_text);
    if (bits_per_second == 0) return "0";
    return shortest_text(bits_per_second, std::span(rates).first(written_rates));
}

std::string bit_rate_text(double bits_per_second) {
    static constexpr std::array<std::string_view, 5> units{"bit/s", "kbit/s", "Mbit/s", "Gbit/s",
                                                           "Tbit/s"};
    return people_text(bits_per_second, units);
}

Result<std::uint64_t> parse_pps(std::string_view text) {
    if (text == unlimited_text) return no_limit;
    const auto rate = in_units(text, packet_rates);
    if (!rate)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a number of packets a second", text),
                    "write 500pps, 20kpps, 1.5mpps; 0 blocks, `unlimited` does not limit");
    if (*rate > greatest_packet_rate)
        return fail(ErrorCode::usage,
                    fmt::format("{} is more than {}", text, pps_text(greatest_packet_rate)),
                    "`unlimited` does not limit");
    return *rate;
}

std::string pps_text(std::uint64_t packets_per_second) {
    if (packets_per_second == no_limit) return std::string(unlimited_text);
    if (packets_per_second == 0) return "0";
    return shortest_text(packets_per_second, std::span(packet_rates).first(written_packet_rates));
}

Result<std::uint64_t> parse_size(std::string_view text) {
    const auto size = in_units(text, sizes);
    if (text != "0" && !size)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a size", text), size_hint(text));
    if (size.value_or(0) > greatest_size)
        return fail(ErrorCode::usage, fmt::format("a size of {} is too large", text),
                    "write fewer bytes: 64kb, 1.5mb");
    return size.value_or(0);
}

std::string size_text(std::uint64_t bytes) {
    if (bytes == 0) return "0";
    return shortest_text(bytes, std::span(sizes).first(written_sizes));
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
    return people_text(static_cast<double>(bytes), units);
}

}  // namespace sluice
