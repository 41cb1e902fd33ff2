#include "sluice/model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "sluice/dscp.hpp"

namespace sluice {
namespace {

constexpr std::array<std::pair<Role, std::string_view>, 4> roles{{
    {Role::access, "access"},
    {Role::trunk, "trunk"},
    {Role::uplink, "uplink"},
    {Role::internal, "internal"},
}};

constexpr std::array<std::pair<HookPolicy, std::string_view>, 3> hooks{{
    {HookPolicy::automatic, "auto"},
    {HookPolicy::tc, "tc"},
    {HookPolicy::xdp, "xdp"},
}};

constexpr std::array<std::pair<SourceCheck, std::string_view>, 3> source_checks{{
    {SourceCheck::automatic, "auto"},
    {SourceCheck::strict, "strict"},
    {SourceCheck::loose, "loose"},
}};
constexpr std::array<std::pair<FlowScope, std::string_view>, 2> flow_scopes{{
    {FlowScope::all, "all"},
    {FlowScope::routed, "routed"},
}};

constexpr std::array<std::pair<DetectAction, std::string_view>, 4> detect_actions{{
    {DetectAction::off, "off"},
    {DetectAction::report, "report"},
    {DetectAction::limit, "limit"},
    {DetectAction::block, "block"},
}};

constexpr std::array<std::pair<BpduPolicy, std::string_view>, 3> bpdu_policies{{
    {BpduPolicy::drop, "drop"},
    {BpduPolicy::forward, "forward"},
    {BpduPolicy::shut, "shut"},
}};

constexpr std::array<std::pair<LoopAction, std::string_view>, 3> loop_actions{{
    {LoopAction::report, "report"},
    {LoopAction::block, "block"},
    {LoopAction::shut, "shut"},
}};

constexpr std::array<std::pair<Shaper, std::string_view>, 4> shapers{{
    {Shaper::automatic, "auto"},
    {Shaper::htb, "htb"},
    {Shaper::fq, "fq"},
    {Shaper::police, "police"},
}};

template <class Value, std::size_t Count>
Result<Value> parse_word(std::string_view text,
                         const std::array<std::pair<Value, std::string_view>, Count>& words,
                         std::string_view what) {
    std::string known;
    for (const auto& [value, word] : words) {
        if (word == text) return value;
        known += fmt::format("{}{}", known.empty() ? "" : ", ", word);
    }
    return fail(ErrorCode::usage, fmt::format("`{}` is not a {}", text, what),
                "it is one of " + known);
}

template <class Value, std::size_t Count>
std::string_view word_of(Value value,
                         const std::array<std::pair<Value, std::string_view>, Count>& words) {
    for (const auto& [known, word] : words)
        if (known == value) return word;
    std::unreachable();
}

constexpr std::uint8_t last_priority = 7;

template <class Number>
std::optional<Number> parse_up_to(std::string_view text, Number last) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number > last) return {};
    return number;
}

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

/// DSCP / 8 is the class selector, which is what a priority means (RFC 2474 section 4.2.2).
constexpr PcpOfDscp class_selectors = [] {
    PcpOfDscp map{};
    for (std::size_t dscp = 0; dscp < map.size(); ++dscp)
        map[dscp] = static_cast<std::uint8_t>(dscp / 8);
    return map;
}();
constexpr DscpOfPcp selected_classes{0, 8, 16, 24, 32, 40, 48, 56};

using OneNumber = std::optional<std::uint8_t>;

OneNumber pcp_number(std::string_view text) { return parse_up_to(text, last_priority); }

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

Result<Role> parse_role(std::string_view text) { return parse_word(text, roles, "role"); }

std::string_view role_text(Role role) { return word_of(role, roles); }

Result<HookPolicy> parse_hook(std::string_view text) {
    return parse_word(text, hooks, "hook policy");
}

std::string_view hook_text(HookPolicy hook) { return word_of(hook, hooks); }

Result<DetectAction> parse_detect_action(std::string_view text) {
    return parse_word(text, detect_actions, "action");
}

std::string_view detect_action_text(DetectAction action) { return word_of(action, detect_actions); }

Result<FlowScope> parse_flow_scope(std::string_view text) {
    return parse_word(text, flow_scopes, "choice of flows");
}

std::string_view flow_scope_text(FlowScope scope) { return word_of(scope, flow_scopes); }

Result<SourceCheck> parse_source_check(std::string_view text) {
    return parse_word(text, source_checks, "source check");
}

std::string_view source_check_text(SourceCheck check) { return word_of(check, source_checks); }

Result<std::vector<Prefix>> parse_routable(std::string_view text) {
    std::vector<Prefix> networks;
    if (text == "none") return networks;
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        SL_TRY(network, Prefix::parse(text.substr(0, comma)));
        if (!network.address.is_v4())
            return fail(ErrorCode::usage, fmt::format("{} is not an IPv4 network", network.text()),
                        "IPv6 is routed as it is, and needs no permission");
        networks.push_back(network);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    if (networks.empty())
        return fail(ErrorCode::usage, "no network is given",
                    "`10.0.0.0/8,192.168.0.0/16`, or none");
    return networks;
}

std::string routable_text(const std::vector<Prefix>& networks) {
    std::string text;
    for (const auto& network : networks) text += (text.empty() ? "" : ",") + network.text();
    return text.empty() ? "none" : text;
}

Result<BpduPolicy> parse_bpdu(std::string_view text) {
    return parse_word(text, bpdu_policies, "BPDU policy");
}

std::string_view bpdu_text(BpduPolicy policy) { return word_of(policy, bpdu_policies); }

Result<LoopAction> parse_loop(std::string_view text) {
    return parse_word(text, loop_actions, "loop action");
}

std::string_view loop_text(LoopAction action) { return word_of(action, loop_actions); }

Result<Shaper> parse_shaper(std::string_view text) { return parse_word(text, shapers, "shaper"); }

std::string_view shaper_text(Shaper shaper) { return word_of(shaper, shapers); }

Result<std::optional<PcpOfDscp>> parse_pcp_of_dscp(std::string_view text) {
    const Error wrong{ErrorCode::usage, fmt::format("\"{}\" is no map from DSCP to priority", text),
                      "`on` (DSCP / 8), `off`, or changes to `on`: 46:5,34:4; DSCPs are 0 to 63 or "
                      "names (ef), priorities 0 to 7"};
    return parse_class_map(text, class_selectors, wrong, dscp_number, pcp_number);
}

std::string pcp_of_dscp_text(const std::optional<PcpOfDscp>& map) {
    return class_map_text(map, class_selectors);
}

Result<std::optional<DscpOfPcp>> parse_dscp_of_pcp(std::string_view text) {
    const Error wrong{ErrorCode::usage, fmt::format("\"{}\" is no map from priority to DSCP", text),
                      "`on` (priority * 8), `off`, or changes to `on`: 5:46,4:34; priorities are 0 "
                      "to 7, DSCPs 0 to 63 or names (ef)"};
    return parse_class_map(text, selected_classes, wrong, pcp_number, dscp_number);
}

std::string dscp_of_pcp_text(const std::optional<DscpOfPcp>& map) {
    return class_map_text(map, selected_classes);
}

Result<PriorityMap> parse_priorities(std::string_view text) {
    if (text == "keep") return kept_priorities;
    PriorityMap priorities = kept_priorities;
    if (const auto one = parse_up_to(text, last_priority)) {
        priorities.fill(*one);
        return priorities;
    }
    SL_CHECK(each_pair(text, [&](std::string_view from, std::string_view to) -> Result<> {
        const auto came = parse_up_to(from, last_priority),
                   becomes = parse_up_to(to, last_priority);
        if (!came || !becomes)
            return fail(ErrorCode::usage,
                        fmt::format("\"{}\" is no priority or map of priorities", text),
                        "`keep`, one for all (`5`), or changes (`0:1,5:7`); they are 0 to 7");
        priorities[*came] = *becomes;
        return {};
    }));
    return priorities;
}

std::string priorities_text(const PriorityMap& priorities) {
    if (priorities == kept_priorities) return "keep";
    const auto is_first = [&](std::uint8_t it) { return it == priorities[0]; };
    if (std::ranges::all_of(priorities, is_first)) return fmt::format("{}", priorities[0]);
    std::string text;
    for (std::size_t from = 0; from < priorities.size(); ++from)
        if (priorities[from] != from)
            text += fmt::format("{}{}:{}", text.empty() ? "" : ",", from, priorities[from]);
    return text;
}

Result<std::vector<VlanTranslation>> parse_translations(std::string_view text) {
    std::vector<VlanTranslation> translations;
    if (text == "none") return translations;
    SL_CHECK(each_pair(text, [&](std::string_view wire, std::string_view vlan) -> Result<> {
        const VlanTranslation it{parse_up_to(wire, last_vlan).value_or(0),
                                 parse_up_to(vlan, last_vlan).value_or(0)};
        if (it.wire == 0 || it.vlan == 0)
            return fail(ErrorCode::usage, fmt::format("\"{}\" is no translation of VLANs", text),
                        fmt::format("`WIRE:VLAN,...` or `none`; VLAN ids are 1 to {}", last_vlan));
        for (const auto& other : translations)
            if (other.wire == it.wire || other.vlan == it.vlan)
                return fail(ErrorCode::usage,
                            fmt::format("{}:{} and {}:{} contradict each other", other.wire,
                                        other.vlan, it.wire, it.vlan));
        translations.push_back(it);
        return {};
    }));
    return translations;
}

std::string translations_text(const std::vector<VlanTranslation>& translations) {
    std::string text;
    for (const auto& [wire, vlan] : translations)
        text += fmt::format("{}{}:{}", text.empty() ? "" : ",", wire, vlan);
    return text.empty() ? "none" : text;
}

}  // namespace sluice
