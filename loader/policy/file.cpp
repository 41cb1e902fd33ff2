// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/file.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "loader/base/name.hpp"
#include "loader/base/yaml_text.hpp"
#include "loader/policy/terms.hpp"
#include "loader/policy/values.hpp"
#include "sluice/model/port.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t largest_policy = 32'000'000;
constexpr auto longest_life = 24h * 365 * 10;

constexpr std::array<std::pair<std::string_view, PolicyAction>, 4> actions{{
    {"allow", PolicyAction::allow},
    {"deny", PolicyAction::deny},
    {"reject", PolicyAction::reject},
    {"log", PolicyAction::log},
}};

std::unexpected<Error> wrong(std::string message, std::string hint = {}) {
    return fail(ErrorCode::usage, std::move(message), std::move(hint));
}

struct RuleDraft {
    PolicyReader& reader;
    PolicyRule rule = {};
    std::vector<std::string> icmp_types = {};

    void at(const YAML::Mark& mark) const { reader.mark = mark; }
};

struct DefaultDraft {
    PolicyReader& reader;
    PolicyDefault rule = {};

    void at(const YAML::Mark& mark) const { reader.mark = mark; }
};

Result<> read_name(std::string_view text, RuleDraft& draft) {
    draft.rule.name = text;
    return check_name(text, {"a name of a rule"});
}

template <class Draft>
Result<> read_action(std::string_view text, Draft& draft) {
    SL_TRY(action, parse_policy_action(text));
    draft.rule.action = action;
    return {};
}

template <class Value, class Parse>
Result<> read_parts(std::string_view text, std::vector<Value>& values, Parse parse) {
    return each_part(text, [&](std::string_view part) -> Result<> {
        SL_TRY(value, parse(part));
        values.push_back(value);
        return {};
    });
}

Result<PortRange> parse_vlan_range(std::string_view text) {
    const auto range = PortRange::parse(text);
    if (range && range->last <= last_vlan) return *range;
    return wrong(fmt::format("`{}` is not a VLAN id or range", text),
                 fmt::format("VLAN ids are 1 to {}: `10,20-30`", last_vlan));
}

Result<> read_icmp_types(std::string_view text, RuleDraft& draft) {
    return each_part(text, [&](std::string_view part) -> Result<> {
        draft.icmp_types.emplace_back(part);
        return {};
    });
}

Result<> read_expires(std::string_view text, RuleDraft& draft) {
    SL_TRY(time, parse_time(text));
    draft.rule.expires = time;
    return {};
}

Result<> read_life(std::string_view text, RuleDraft& draft) {
    SL_TRY(life, parse_duration(text));
    if (life <= 0ms || life > longest_life)
        return wrong(fmt::format("`{}` is out of range", text), "it is 1ms to 3650d");
    draft.rule.lasts_for = life;
    return {};
}

constexpr std::array<YamlKey<RuleDraft>, 12> rule_keys{{
    {"name", read_name},
    {"action", read_action<RuleDraft>},
    {"source", [](auto text, auto& it) { return read_term(text, it.reader, it.rule.source); },
     true},
    {"destination",
     [](auto text, auto& it) { return read_term(text, it.reader, it.rule.destination); }, true},
    {"protocol",
     [](auto text, auto& it) { return read_parts(text, it.rule.protocols, parse_policy_protocol); },
     true},
    {"ports", [](auto text, auto& it) { return read_parts(text, it.rule.ports, PortRange::parse); },
     true},
    {"source-ports",
     [](auto text, auto& it) { return read_parts(text, it.rule.source_ports, PortRange::parse); },
     true},
    {"icmp-types", read_icmp_types, true},
    {"vlans", [](auto text, auto& it) { return read_parts(text, it.rule.vlans, parse_vlan_range); },
     true},
    {"source-macs",
     [](auto text, auto& it) { return read_parts(text, it.rule.source_macs, MacAddress::parse); },
     true},
    {"expires", read_expires},
    {"in", read_life},
}};

Result<> read_direction(std::string_view text, DefaultDraft& draft) {
    if (text != "in" && text != "out")
        return wrong(fmt::format("`{}` is not a direction", text),
                     "in: towards the VM or port; out: from it");
    draft.rule.direction = text == "in" ? PolicyDirection::in : PolicyDirection::out;
    return {};
}

Result<> read_subject(Result<PolicyTerm> term, DefaultDraft& draft) {
    SL_CHECK(term);
    if (draft.rule.subject)
        return wrong(fmt::format("{} stands here already", draft.rule.subject->text()),
                     "write a default for each");
    note_name(draft.reader, *term);
    draft.rule.subject = std::move(*term);
    return {};
}

constexpr std::array<YamlKey<DefaultDraft>, 5> default_keys{{
    {"direction", read_direction},
    {"action", read_action<DefaultDraft>},
    {"vm", [](auto text, auto& it) { return read_subject(parse_vm_term(text), it); }},
    {"port", [](auto text, auto& it) { return read_subject(parse_port_term(text), it); }},
    {"group", [](auto text,
                 auto& it) { return read_subject(parse_group_term(text, it.reader.policy), it); }},
}};

bool is_icmp(std::uint8_t protocol) {
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
}

/// The flow table knows the ports of these alone.
bool has_l4_ports(std::uint8_t protocol) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

Result<> check_protocols(const YamlFile& file, const KeyMarks& marks, RuleDraft& draft) {
    auto& protocols = draft.rule.protocols;
    for (const auto* key : {"ports", "source-ports"}) {
        if (!marks.contains(key)) continue;
        if (protocols.empty()) protocols = {IPPROTO_TCP, IPPROTO_UDP};
        const auto other = std::ranges::find_if_not(protocols, has_l4_ports);
        if (other != protocols.end())
            return file.fail_at(
                marks.at(key),
                fmt::format("{}: protocol {} has no ports here", key, policy_protocol_text(*other)),
                "ports go with tcp, udp, or no protocol: then both");
    }
    if (!marks.contains("icmp-types")) return {};
    const auto& mark = marks.at("icmp-types");
    if (protocols.empty()) protocols = {IPPROTO_ICMP, IPPROTO_ICMPV6};
    if (!std::ranges::all_of(protocols, is_icmp))
        return file.fail_at(mark, "icmp-types: they go with protocol icmp or icmpv6 alone",
                            "write a rule of its own for the other protocol");
    for (const auto& text : draft.icmp_types) {
        const auto types = parse_icmp_type(text, protocols);
        if (!types)
            return file.fail_at(mark, fmt::format("icmp-types: {}", types.error().message),
                                types.error().hint);
        draft.rule.icmp_types.insert(draft.rule.icmp_types.end(), types->begin(), types->end());
    }
    return {};
}

Result<> check_rule(const YamlFile& file, const YAML::Mark& mark, const KeyMarks& marks,
                    RuleDraft& draft) {
    if (!marks.contains("name"))
        return file.fail_at(mark, "this rule has no name", "write `name: NAME`");
    if (!marks.contains("action"))
        return file.fail_at(mark, fmt::format("rule {} has no action", draft.rule.name),
                            "write `action: allow`, deny, reject or log");
    if (marks.contains("in") && marks.contains("expires"))
        return file.fail_at(marks.at("in"), "in contradicts expires", "leave one of them out");
    return check_protocols(file, marks, draft);
}

Result<> check_room(const YamlFile& file, const YAML::Mark& mark, const PolicyFile& policy) {
    // Rules, defaults of either direction: each begins a word of bits.
    constexpr std::size_t most = SL_POLICY_BITS - 2 * 64;
    if (policy.rules.size() + policy.defaults.size() < most) return {};
    return file.fail_at(mark, fmt::format("there are more than {} rules and defaults", most),
                        "a rule may have lists of sources, destinations and ports, or groups");
}

Result<> read_rules(const YamlFile& file, const YAML::Node& key, const YAML::Node& list,
                    PolicyReader& reader) {
    std::map<std::string, int, std::less<>> lines;
    return each_item(file, key, list, [&](const YAML::Node& node) -> Result<> {
        RuleDraft draft{reader};
        draft.rule.line = node.Mark().line + 1;
        SL_CHECK(check_room(file, node.Mark(), reader.policy));
        SL_TRY(marks, read_map(file, node, "a rule", rule_keys, draft));
        SL_CHECK(check_rule(file, node.Mark(), marks, draft));
        const auto [first, is_first] = lines.emplace(draft.rule.name, draft.rule.line);
        if (!is_first)
            return file.fail_at(node.Mark(),
                                fmt::format("rule {} stands twice, first in line {}",
                                            draft.rule.name, first->second),
                                "give each a name of its own");
        reader.policy.rules.push_back(std::move(draft.rule));
        return {};
    });
}

Result<> read_defaults(const YamlFile& file, const YAML::Node& key, const YAML::Node& list,
                       PolicyReader& reader) {
    return each_item(file, key, list, [&](const YAML::Node& node) -> Result<> {
        DefaultDraft draft{reader};
        draft.rule.line = node.Mark().line + 1;
        SL_CHECK(check_room(file, node.Mark(), reader.policy));
        SL_TRY(marks, read_map(file, node, "a default", default_keys, draft));
        for (const auto* needed : {"direction", "action"})
            if (!marks.contains(needed))
                return file.fail_at(node.Mark(), fmt::format("this default has no {}", needed),
                                    "write `{direction: in, action: deny}`, for example");
        reader.policy.defaults.push_back(std::move(draft.rule));
        return {};
    });
}

/// Groups first, wherever they stand: the others name them.
Result<> read_policy(const YamlFile& file, const YAML::Node& root, PolicyReader& reader) {
    static constexpr std::array<std::string_view, 3> names{"groups", "defaults", "network-policy"};
    std::array<std::pair<YAML::Node, YAML::Node>, names.size()> parts;
    SL_CHECK(each_key(file, root, "the file", names,
                      [&](std::size_t index, const YAML::Node& key, const YAML::Node& value) {
                          parts[index].first.reset(key);
                          parts[index].second.reset(value);
                          return Result<>{};
                      }));
    const auto& [groups, defaults, rules] = parts;
    if (groups.first.IsScalar()) SL_CHECK(read_groups(file, groups.second, reader));
    if (defaults.first.IsScalar())
        SL_CHECK(read_defaults(file, defaults.first, defaults.second, reader));
    if (rules.first.IsScalar()) SL_CHECK(read_rules(file, rules.first, rules.second, reader));
    return {};
}

}  // namespace

Result<PolicyAction> parse_policy_action(std::string_view text) {
    for (const auto& [name, action] : actions)
        if (name == text) return action;
    std::array<std::string_view, actions.size()> names;
    std::ranges::transform(actions, names.begin(), [](const auto& it) { return it.first; });
    const auto nearest = nearest_name(names, text);
    return wrong(
        fmt::format("`{}` is not an action", text),
        fmt::format("{}actions: {}", nearest ? fmt::format("did you mean {}? ", *nearest) : "",
                    fmt::join(names, ", ")));
}

std::string_view policy_action_text(PolicyAction action) {
    return std::ranges::find(actions, action, [](const auto& it) { return it.second; })->first;
}

std::string_view policy_direction_text(PolicyDirection direction) {
    return direction == PolicyDirection::in ? "in" : "out";
}

Result<PolicyFile> parse_policy_file(std::string_view text, std::string_view name) {
    const YamlFile file{name};
    PolicyFile policy;
    PolicyReader reader{policy};
    SL_CHECK(read_yaml(file, {text, largest_policy, "groups, defaults, network-policy"},
                       [&](const YAML::Node& root) { return read_policy(file, root, reader); }));
    return policy;
}

}  // namespace sluice
