// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/diff.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "loader/policy/text.hpp"

namespace sluice {
namespace {

struct NumberedRule {
    std::size_t number = 0;
    const PolicyRule* rule = nullptr;
};

std::map<std::string_view, NumberedRule> rules_by_name(const PolicyFile& file) {
    std::map<std::string_view, NumberedRule> rules;
    for (std::size_t i = 0; i < file.rules.size(); ++i)
        rules.emplace(file.rules[i].name, NumberedRule{i + 1, &file.rules[i]});
    return rules;
}

bool same_rule(const PolicyRule& a, const PolicyRule& b) {
    return a.action == b.action && properties_of(a) == properties_of(b);
}

bool same_default(const PolicyDefault& a, const PolicyDefault& b) {
    return a.direction == b.direction && a.action == b.action && a.subject == b.subject;
}

/// The rules that are in both, by name: those that stand out of the order of the others. The
/// longest run of the same order stays.
std::set<std::string_view> moved_rules(const PolicyFile& before, const PolicyFile& after) {
    const auto places = rules_by_name(before);
    struct Run {
        std::size_t place, previous;
    };
    std::vector<Run> kept;                 // by the index into the common rules
    std::vector<std::size_t> ends;         // of the runs, by their length
    std::vector<std::string_view> common;  // in the new order
    for (const auto& rule : after.rules) {
        const auto was = places.find(rule.name);
        if (was == places.end()) continue;
        const auto place = was->second.number;
        const auto at =
            std::ranges::lower_bound(ends, place, {}, [&](std::size_t i) { return kept[i].place; });
        const auto previous = at == ends.begin() ? SIZE_MAX : *std::prev(at);
        kept.push_back({place, previous});
        if (at == ends.end())
            ends.push_back(common.size());
        else
            *at = common.size();
        common.push_back(rule.name);
    }
    std::vector<bool> stays(common.size());
    for (auto i = ends.empty() ? SIZE_MAX : ends.back(); i != SIZE_MAX; i = kept[i].previous)
        stays[i] = true;
    std::set<std::string_view> moved;
    for (std::size_t i = 0; i < common.size(); ++i)
        if (!stays[i]) moved.insert(common[i]);
    return moved;
}

void compare_rules(const PolicyFile& before, const PolicyFile& after,
                   std::vector<PolicyDifference>& differences) {
    const auto old_rules = rules_by_name(before), new_rules = rules_by_name(after);
    const auto moved = moved_rules(before, after);
    for (const auto& rule : before.rules)
        if (!new_rules.contains(rule.name))
            differences.push_back(
                {PolicyChange::removed, "rule " + rule.name, old_rules.at(rule.name).number, 0});
    for (const auto& rule : after.rules) {
        const auto number = new_rules.at(rule.name).number;
        const auto was = old_rules.find(rule.name);
        if (was == old_rules.end()) {
            differences.push_back({PolicyChange::added, "rule " + rule.name, 0, number});
            continue;
        }
        const bool is_same = same_rule(*was->second.rule, rule);
        if (!is_same)
            differences.push_back(
                {PolicyChange::changed, "rule " + rule.name, was->second.number, number});
        if (moved.contains(rule.name))
            differences.push_back(
                {PolicyChange::moved, "rule " + rule.name, was->second.number, number});
    }
}

void compare_groups(const PolicyFile& before, const PolicyFile& after,
                    std::vector<PolicyDifference>& differences) {
    for (const auto& [name, terms] : before.groups)
        if (!after.groups.contains(name))
            differences.push_back({PolicyChange::removed, "group " + name});
    for (const auto& [name, terms] : after.groups) {
        const auto was = before.groups.find(name);
        if (was == before.groups.end())
            differences.push_back({PolicyChange::added, "group " + name});
        else if (was->second != terms)
            differences.push_back({PolicyChange::changed, "group " + name});
    }
}

}  // namespace

std::vector<PolicyDifference> compare_policies(const PolicyFile& before, const PolicyFile& after) {
    std::vector<PolicyDifference> differences;
    compare_groups(before, after, differences);
    if (!std::ranges::equal(before.defaults, after.defaults, same_default))
        differences.push_back({PolicyChange::changed, "defaults"});
    compare_rules(before, after, differences);
    return differences;
}

}  // namespace sluice
