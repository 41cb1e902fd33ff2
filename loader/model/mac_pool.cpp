// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/model/mac_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sluice/model/port.hpp"

namespace sluice {
namespace {

constexpr int mac_bytes = 6;

constexpr std::array<MacRange, 5> reserved{{
    {0, 0},
    {0x00005e000100, 0x00005e0001ff},
    {0x00005e000200, 0x00005e0002ff},
    {0x525400123456, 0x525400123456},
    {0xffffffffffff, 0xffffffffffff},
}};

constexpr std::array<std::pair<MacStrategy, std::string_view>, 4> strategies{{
    {MacStrategy::random, "random"},
    {MacStrategy::sequential, "sequential"},
    {MacStrategy::uuid, "uuid"},
    {MacStrategy::time, "time"},
}};

std::uint8_t first_byte(std::uint64_t number) { return static_cast<std::uint8_t>(number >> 40); }

/// Two hex digits.
std::optional<std::uint8_t> parse_byte(std::string_view text) {
    std::uint8_t byte = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), byte, 16);
    if (text.size() != 2 || error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return byte;
}

std::unexpected<Error> no_prefix(std::string_view text) {
    return fail(ErrorCode::usage, fmt::format("`{}` is not a MAC prefix", text),
                "write its first bytes, the last may be a range: 02:1a:2b, 00:50:56:80-bf");
}

}  // namespace

std::uint64_t mac_number(const MacAddress& mac) {
    std::uint64_t number = 0;
    for (const auto byte : mac.bytes) number = number << 8 | byte;
    return number;
}

MacAddress mac_from_number(std::uint64_t number) {
    MacAddress mac;
    for (int i = mac_bytes - 1; i >= 0; --i, number >>= 8)
        mac.bytes[i] = static_cast<std::uint8_t>(number);
    return mac;
}

bool is_unicast(const MacAddress& mac) { return (mac.bytes[0] & 1) == 0 && mac_number(mac) != 0; }

Result<MacRange> MacRange::parse_prefix(std::string_view text) {
    MacRange range;
    int bytes = 0;
    bool is_range = false;
    for (auto rest = text; bytes == 0 || !rest.empty();) {
        const auto colon = std::min(rest.find(':'), rest.size());
        const auto part = rest.substr(0, colon);
        const auto dash = std::min(part.find('-'), part.size());
        const auto low = parse_byte(part.substr(0, dash));
        const auto high = dash == part.size() ? low : parse_byte(part.substr(dash + 1));
        // After a range of bytes nothing may follow: it would be no range of addresses.
        if (!low || !high || *high < *low || is_range || ++bytes > mac_bytes ||
            colon + 1 == rest.size())
            return no_prefix(text);
        is_range = dash != part.size();
        range = {range.first << 8 | *low, range.last << 8 | *high};
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    const int free_bits = 8 * (mac_bytes - bytes);
    range = {range.first << free_bits, range.last << free_bits | ((1ull << free_bits) - 1)};
    SL_CHECK(check_range(range));
    return range;
}

Result<MacRange> MacRange::parse(std::string_view text) {
    const auto dash = text.find('-');
    if (dash == std::string_view::npos)
        return fail(ErrorCode::usage, fmt::format("`{}` is not a range of MACs", text),
                    "write FIRST-LAST: 02:00:00:00:00:10-02:00:00:00:00:ff");
    SL_TRY(first, MacAddress::parse(text.substr(0, dash)));
    SL_TRY(last, MacAddress::parse(text.substr(dash + 1)));
    const MacRange range{mac_number(first), mac_number(last)};
    if (range.last < range.first)
        return fail(ErrorCode::usage, fmt::format("`{}` is a reversed range", text),
                    fmt::format("write {}-{}", last.text(), first.text()));
    SL_CHECK(check_range(range));
    return range;
}

std::string MacRange::text() const {
    return fmt::format("{}-{}", mac_from_number(first).text(), mac_from_number(last).text());
}

std::span<const MacRange> reserved_macs() { return reserved; }

const MacRange* reserved_at(std::uint64_t number) {
    const auto found =
        std::ranges::find_if(reserved, [&](const auto& range) { return range.contains(number); });
    return found == reserved.end() ? nullptr : &*found;
}

std::uint64_t usable_macs(const MacRange& range) {
    auto usable = range.size();
    for (const auto& other : reserved)
        if (range.overlaps(other))
            usable -= std::min(range.last, other.last) - std::max(range.first, other.first) + 1;
    return usable;
}

Result<> check_range(const MacRange& range) {
    // A range over two first bytes has one between them, or at an end, with the group bit.
    if (first_byte(range.first) != first_byte(range.last) || (first_byte(range.first) & 1) != 0)
        return fail(ErrorCode::refused,
                    fmt::format("{} has multicast addresses: a VM can't have them", range.text()),
                    "the first byte must be even, and the same for all: 02, 52, ...");
    if (usable_macs(range) < 2)
        return fail(ErrorCode::refused,
                    fmt::format("{} is too small: a pool has at least two addresses that may be "
                                "given",
                                range.text()),
                    "use a shorter prefix; `sluice mac bind` gives a single address");
    return {};
}

bool is_universal(const MacRange& range) { return (first_byte(range.first) & 2) == 0; }

Result<MacStrategy> parse_mac_strategy(std::string_view text) {
    for (const auto& [strategy, word] : strategies)
        if (word == text) return strategy;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a strategy", text),
                "it is one of random, sequential, uuid, time");
}

std::string_view mac_strategy_text(MacStrategy strategy) {
    for (const auto& [known, word] : strategies)
        if (known == strategy) return word;
    std::unreachable();
}

Result<> check_vlan_id(std::uint16_t vlan) {
    if (vlan <= last_vlan) return {};
    return fail(ErrorCode::usage, fmt::format("--vlan {}: VLAN ids are 1 to {}", vlan, last_vlan));
}

const MacPool* pool_of(std::span<const MacPool> pools, std::uint16_t domain,
                       const MacAddress& mac) {
    const auto number = mac_number(mac);
    const auto found = std::ranges::find_if(pools, [&](const MacPool& pool) {
        return pool.domain == domain && pool.range.contains(number);
    });
    return found == pools.end() ? nullptr : &*found;
}

Result<> check_pool_fits(const MacPool& pool, std::span<const MacPool> pools) {
    for (const auto& other : pools) {
        if (other.name == pool.name)
            return fail(ErrorCode::refused, fmt::format("there is a MAC pool {}", pool.name),
                        fmt::format("`sluice mac pool show {}` shows it", pool.name));
        if (other.domain == pool.domain && other.range.overlaps(pool.range))
            return fail(ErrorCode::refused,
                        fmt::format("{} overlaps with pool {} ({}) in the same L2 domain",
                                    pool.range.text(), other.name, other.range.text()),
                        "choose other addresses, or another --vlan");
    }
    return {};
}

}  // namespace sluice
