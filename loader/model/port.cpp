// SPDX-License-Identifier: GPL-2.0-or-later
#include "sluice/model/port.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "loader/base/words.hpp"

namespace sluice {
namespace {

constexpr Words<Role, 4> roles{{
    {Role::access, "access"},
    {Role::trunk, "trunk"},
    {Role::uplink, "uplink"},
    {Role::internal, "internal"},
}};

constexpr Words<HookPolicy, 3> hooks{{
    {HookPolicy::automatic, "auto"},
    {HookPolicy::tc, "tc"},
    {HookPolicy::xdp, "xdp"},
}};

constexpr Words<SourceCheck, 3> source_checks{{
    {SourceCheck::automatic, "auto"},
    {SourceCheck::strict, "strict"},
    {SourceCheck::loose, "loose"},
}};

constexpr Words<FlowScope, 2> flow_scopes{{
    {FlowScope::all, "all"},
    {FlowScope::routed, "routed"},
}};

constexpr std::uint8_t last_priority = 7;

}  // namespace

Result<Role> parse_role(std::string_view text) { return parse_word(text, roles, "role"); }

std::string_view role_text(Role role) { return word_of(role, roles); }

Result<HookPolicy> parse_hook(std::string_view text) {
    return parse_word(text, hooks, "hook policy");
}

std::string_view hook_text(HookPolicy hook) { return word_of(hook, hooks); }

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
                        fmt::format("\"{}\" is neither a priority nor a map of priorities", text),
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
            return fail(ErrorCode::usage, fmt::format("\"{}\" is not a translation of VLANs", text),
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
