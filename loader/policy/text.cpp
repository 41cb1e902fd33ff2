// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/text.hpp"

#include <fmt/format.h>

#include "loader/policy/values.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

template <class Value, class Text>
std::vector<std::string> texts_of(const std::vector<Value>& values, Text text) {
    std::vector<std::string> texts;
    for (const auto& value : values) {
        auto written = text(value);
        // An ICMP type of both families is written once.
        if (texts.empty() || texts.back() != written) texts.push_back(std::move(written));
    }
    return texts;
}

constexpr auto own_text = [](const auto& value) { return value.text(); };

}  // namespace

std::vector<PolicyProperty> properties_of(const PolicyRule& rule) {
    std::vector<PolicyProperty> properties;
    const auto add = [&](std::string_view key, std::vector<std::string> values) {
        if (!values.empty()) properties.push_back({key, std::move(values)});
    };
    add("source", texts_of(rule.source, own_text));
    add("destination", texts_of(rule.destination, own_text));
    add("protocol", texts_of(rule.protocols, policy_protocol_text));
    add("ports", texts_of(rule.ports, own_text));
    add("source-ports", texts_of(rule.source_ports, own_text));
    add("icmp-types", texts_of(rule.icmp_types, icmp_type_text));
    add("vlans", texts_of(rule.vlans, own_text));
    add("source-macs", texts_of(rule.source_macs, own_text));
    if (rule.expires) add("expires", {time_text(*rule.expires)});
    if (rule.lasts_for) add("in", {duration_text(*rule.lasts_for)});
    return properties;
}

std::string policy_default_text(const PolicyDefault& rule) {
    const auto direction = policy_direction_text(*rule.direction);
    return rule.subject ? fmt::format("{} {}", direction, rule.subject->text())
                        : std::string(direction);
}

}  // namespace sluice
