// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/judge.hpp"

#include <netinet/in.h>

#include <algorithm>

namespace sluice {
namespace {

bool is_at(const PolicyEnd& end, const Address& address, std::uint16_t port) {
    if (end.any) return true;
    return std::ranges::find(end.ports, port) != end.ports.end() ||
           std::ranges::any_of(end.prefixes,
                               [&](const Prefix& prefix) { return prefix.contains(address); });
}

bool is_in(const std::vector<PortRange>& ranges, std::uint16_t port) {
    return ranges.empty() || std::ranges::any_of(ranges, [&](const PortRange& range) {
               return range.contains(port);
           });
}

template <class Value>
bool is_one_of(const std::vector<Value>& values, const Value& value) {
    return values.empty() || std::ranges::find(values, value) != values.end();
}

const ResolvedRule* first_fitting(const std::vector<ResolvedRule>& rules,
                                  const PolicyPacket& packet, std::int64_t now) {
    const auto found = std::ranges::find_if(
        rules, [&](const ResolvedRule& rule) { return misfits(rule, packet, now).empty(); });
    return found == rules.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::string_view> misfits(const ResolvedRule& rule, const PolicyPacket& packet,
                                      std::int64_t now) {
    std::vector<std::string_view> wrong;
    const auto check = [&](std::string_view property, bool fits) {
        if (!fits) wrong.push_back(property);
    };
    check("source", is_at(rule.source, packet.source, packet.in_port));
    check("destination", is_at(rule.destination, packet.destination, packet.out_port));
    check("protocol", is_one_of(rule.protocols, packet.protocol));
    check("ports", is_in(rule.ports, packet.destination_port));
    check("source-ports", is_in(rule.source_ports, packet.source_port));
    check("icmp-types", is_one_of(rule.icmp_types, {packet.protocol, packet.icmp_type}));
    check("vlans", is_in(rule.vlans, packet.vlan));
    check("source-macs", is_one_of(rule.source_macs, packet.source_mac));
    check("expires", rule.expires == 0 || rule.expires > now);
    return wrong;
}

PolicyVerdict judge(const ResolvedPolicy& policy, const PolicyPacket& packet, std::int64_t now) {
    if (const auto* rule = first_fitting(policy.rules, packet, now))
        return {rule->action, static_cast<std::size_t>(rule - policy.rules.data()) + 1, rule};
    const auto* out = first_fitting(policy.out_defaults, packet, now);
    const auto* in = first_fitting(policy.in_defaults, packet, now);
    // The stricter one; that of who sends if they agree.
    if (out != nullptr && (in == nullptr || in->action <= out->action))
        return {out->action, 0, out, PolicyDirection::out};
    if (in != nullptr) return {in->action, 0, in, PolicyDirection::in};
    return {};
}

}  // namespace sluice
