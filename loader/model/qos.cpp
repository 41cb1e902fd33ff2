// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/model/qos.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include "loader/base/words.hpp"
#include "sluice/dscp.hpp"

namespace sluice {
namespace {

constexpr Words<Shaper, 4> shapers{{
    {Shaper::automatic, "auto"},
    {Shaper::htb, "htb"},
    {Shaper::fq, "fq"},
    {Shaper::police, "police"},
}};

constexpr std::uint8_t last_pcp = SL_PCPS - 1;

/// DSCP / 8 is the class selector, which is what a priority means (RFC 2474 section 4.2.2).
constexpr PcpOfDscp class_selectors = [] {
    PcpOfDscp map{};
    for (std::size_t dscp = 0; dscp < map.size(); ++dscp)
        map[dscp] = static_cast<std::uint8_t>(dscp / 8);
    return map;
}();
constexpr DscpOfPcp selected_classes{0, 8, 16, 24, 32, 40, 48, 56};

using OneNumber = std::optional<std::uint8_t>;

OneNumber pcp_number(std::string_view text) { return parse_up_to(text, last_pcp); }

OneNumber dscp_number(std::string_view text) {
    const auto dscp = parse_dscp(text);
    return dscp ? OneNumber(*dscp) : std::nullopt;
}

/// `off`, `on`, or changes to that.
/// @param from, to OneNumber(std::string_view): an index of the map, a value of it
template <class Map, class From, class To>
Result<std::optional<Map>> parse_class_map(std::string_view text, Map map, const Error& wrong,
                                           From&& from, To&& to) {
    if (text == "off") return std::nullopt;
    if (text == "on") return map;
    if (text.empty()) return std::unexpected(wrong);
    std::array<bool, std::tuple_size_v<Map>> changed{};
    SL_CHECK(each_pair(text, [&](std::string_view came, std::string_view becomes) -> Result<> {
        const OneNumber index = from(came), value = to(becomes);
        if (!index || !value) return std::unexpected(wrong);
        if (std::exchange(changed[*index], true))
            return fail(ErrorCode::usage, fmt::format("\"{}\" maps {} twice", text, came));
        map[*index] = *value;
        return {};
    }));
    return map;
}

template <class Map>
std::string class_map_text(const std::optional<Map>& map, const Map& usual) {
    if (!map) return "off";
    std::string text;
    for (std::size_t from = 0; from < usual.size(); ++from)
        if ((*map)[from] != usual[from])
            text += fmt::format("{}{}:{}", text.empty() ? "" : ",", from, (*map)[from]);
    return text.empty() ? "on" : text;
}

}  // namespace

Result<Shaper> parse_shaper(std::string_view text) { return parse_word(text, shapers, "shaper"); }

std::string_view shaper_text(Shaper shaper) { return word_of(shaper, shapers); }

Result<std::optional<PcpOfDscp>> parse_pcp_of_dscp(std::string_view text) {
    const Error wrong{ErrorCode::usage,
                      fmt::format("\"{}\" is not a map from DSCP to priority", text),
                      "`on` (DSCP / 8), `off`, or changes to `on`: 46:5,34:4; DSCPs are 0 to 63 or "
                      "names (ef), priorities 0 to 7"};
    return parse_class_map(text, class_selectors, wrong, dscp_number, pcp_number);
}

std::string pcp_of_dscp_text(const std::optional<PcpOfDscp>& map) {
    return class_map_text(map, class_selectors);
}

Result<std::optional<DscpOfPcp>> parse_dscp_of_pcp(std::string_view text) {
    const Error wrong{ErrorCode::usage,
                      fmt::format("\"{}\" is not a map from priority to DSCP", text),
                      "`on` (priority * 8), `off`, or changes to `on`: 5:46,4:34; priorities are 0 "
                      "to 7, DSCPs 0 to 63 or names (ef)"};
    return parse_class_map(text, selected_classes, wrong, pcp_number, dscp_number);
}

std::string dscp_of_pcp_text(const std::optional<DscpOfPcp>& map) {
    return class_map_text(map, selected_classes);
}

}  // namespace sluice
