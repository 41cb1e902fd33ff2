// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/view/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/view/views.hpp"

namespace sluice::cli {
namespace {

constexpr std::array<std::string_view, 8> property_keys{"source", "destination",  "protocol",
                                                        "ports",  "source-ports", "icmp-types",
                                                        "vlans",  "source-macs"};

/// As JSON names it.
std::string json_key(std::string_view key) {
    std::string name(key);
    std::ranges::replace(name, '-', '_');
    return name;
}

std::string property_text(const PolicyProperty& property) {
    return fmt::format("{} {}", property.key, fmt::join(property.values, ","));
}

/// `source 10.0.0.0/24; ports 80,443`.
std::string properties_text(const std::vector<PolicyProperty>& properties) {
    std::string text;
    for (const auto& it : properties)
        text += fmt::format("{}{}", text.empty() ? "" : "; ", property_text(it));
    return text.empty() ? "everything" : text;
}

Json policy_rule_json(std::size_t number, const PolicyRule& rule, std::int64_t expires,
                      std::int64_t now) {
    const auto properties = properties_of(rule);
    Json json{{"number", number},
              {"name", rule.name},
              {"action", policy_action_text(*rule.action)},
              {"line", rule.line}};
    for (const auto key : property_keys) json[json_key(key)] = Json::array();
    for (const auto& property : properties)
        if (json.contains(json_key(property.key))) json[json_key(property.key)] = property.values;
    json["expires"] = time_json(static_cast<std::uint64_t>(expires) / 1000);
    json["expired"] = expires != 0 && expires <= now;
    json["text"] = properties_text(properties);
    return json;
}

Json policy_default_json(const PolicyDefault& rule) {
    return {{"direction", policy_direction_text(*rule.direction)},
            {"action", policy_action_text(*rule.action)},
            {"subject", rule.subject ? Json(rule.subject->text()) : Json(nullptr)},
            {"line", rule.line}};
}

Json policy_group_json(const std::string& name, const std::vector<PolicyTerm>& terms) {
    Json members = Json::array();
    for (const auto& term : terms) members.push_back(term.text());
    return {{"name", name}, {"members", std::move(members)}};
}

std::string_view change_text(PolicyChange change) {
    switch (change) {
        case PolicyChange::added:
            return "added";
        case PolicyChange::removed:
            return "removed";
        case PolicyChange::changed:
            return "changed";
        case PolicyChange::moved:
            break;
    }
    return "moved";
}

Json number_or_null(std::size_t number) { return number == 0 ? Json(nullptr) : Json(number); }

std::string decision_text(const PolicyTest& test) {
    const auto action = policy_action_text(test.action);
    if (test.rule != 0) return fmt::format("{}: rule {} ({})", action, test.rule, test.name);
    if (!test.name.empty()) return fmt::format("{}: default {}", action, test.name);
    return fmt::format("{}: no rule fits, and no default", action);
}

Json near_misses_json(const std::vector<PolicyNearMiss>& misses) {
    Json list = Json::array();
    for (const auto& it : misses)
        list.push_back({{"rule", it.rule},
                        {"name", it.name},
                        {"action", policy_action_text(it.action)},
                        {"misfit", it.misfit}});
    return list;
}

}  // namespace

Document policy_list_view(const LoadedPolicy& policy, std::int64_t now) {
    Json rules = Json::array(), defaults = Json::array(), groups = Json::array();
    for (std::size_t i = 0; i < policy.file.rules.size(); ++i)
        rules.push_back(
            policy_rule_json(i + 1, policy.file.rules[i], policy.resolved.rules[i].expires, now));
    for (const auto& it : policy.file.defaults) defaults.push_back(policy_default_json(it));
    for (const auto& [name, terms] : policy.file.groups)
        groups.push_back(policy_group_json(name, terms));
    Json body{{"file", policy.spec.name},
              {"loaded", time_json(static_cast<std::uint64_t>(policy.spec.loaded) / 1000)},
              {"generation", policy.generation ? Json(*policy.generation) : Json(nullptr)},
              {"rules", std::move(rules)},
              {"defaults", std::move(defaults)},
              {"groups", std::move(groups)}};
    return {"sluice.policy.list/1",
            std::move(body),
            {Facts{"", {{"file", "/file"}, {"loaded", "/loaded"}, {"generation", "/generation"}}},
             Table{"",
                   "/rules",
                   {{"RULE", "/number", Format::count},
                    {"NAME", "/name"},
                    {"ACTION", "/action"},
                    {"EXPIRES", "/expires"},
                    {"EXPIRED", "/expired"},
                    {"ASKS FOR", "/text"}},
                   "no rules"},
             Table{"what no rule decides",
                   "/defaults",
                   {{"DIRECTION", "/direction"}, {"WHO", "/subject"}, {"ACTION", "/action"}},
                   "what no rule decides is allowed"},
             Table{"groups", "/groups", {{"GROUP", "/name"}, {"MEMBERS", "/members"}}, ""}},
            {}};
}

Document policy_hits_view(const std::vector<PolicyHits>& hits) {
    Json list = Json::array();
    for (const auto& it : hits)
        list.push_back({{"rule", number_or_null(it.rule)},
                        {"name", text_or_null(it.name)},
                        {"action", policy_action_text(it.action)},
                        {"flows", it.counts.flows},
                        {"denied", it.counts.denied}});
    return {"sluice.policy.hits/1",
            {{"hits", std::move(list)}},
            {Table{"",
                   "/hits",
                   {{"RULE", "/rule", Format::count},
                    {"NAME", "/name"},
                    {"ACTION", "/action"},
                    {"FLOWS", "/flows", Format::count},
                    {"DENIED PACKETS", "/denied", Format::count}},
                   ""}},
            {}};
}

Document policy_diff_view(const std::vector<PolicyDifference>& differences) {
    Json list = Json::array();
    for (const auto& it : differences)
        list.push_back({{"change", change_text(it.change)},
                        {"what", it.what},
                        {"before", number_or_null(it.before)},
                        {"after", number_or_null(it.after)}});
    return {"sluice.policy.diff/1",
            {{"differences", std::move(list)}},
            {Table{"",
                   "/differences",
                   {{"CHANGE", "/change"},
                    {"WHAT", "/what"},
                    {"RULE BEFORE", "/before", Format::count},
                    {"AFTER", "/after", Format::count}},
                   "the file says what is loaded"}},
            {}};
}

Document policy_test_view(const PolicyTest& test, bool explain) {
    Json asks = Json::object();
    for (const auto& property : test.asks) asks[json_key(property.key)] = property.values;
    Json body{{"action", policy_action_text(test.action)},
              {"rule", number_or_null(test.rule)},
              {"default", test.rule == 0 ? text_or_null(test.name) : Json(nullptr)},
              {"name", test.rule == 0 ? Json(nullptr) : Json(test.name)},
              {"asks", std::move(asks)}};
    Document document{"sluice.policy.test/1", std::move(body), {Note{decision_text(test)}}, {}};
    if (test.rule != 0)
        document.layout.emplace_back(Note{fmt::format("fits: {}", properties_text(test.asks))});
    if (!explain) return document;
    document.body["near_misses"] = near_misses_json(test.near_misses);
    document.layout.emplace_back(Table{"rules before it that fit but for one property",
                                       "/near_misses",
                                       {{"RULE", "/rule", Format::count},
                                        {"NAME", "/name"},
                                        {"ACTION", "/action"},
                                        {"DOES NOT FIT", "/misfit"}},
                                       "no rule before it nearly fits"});
    return document;
}

}  // namespace sluice::cli
