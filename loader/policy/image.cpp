// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/image.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "loader/policy/classes.hpp"

namespace sluice {
namespace {

using Intervals = std::vector<PolicyInterval>;

/// What a rule asks of a property. None: nothing.
using PropertyValues = std::optional<Intervals>;

PolicyNumber number_of(const Address& address) {
    PolicyNumber number = 0;
    for (const auto byte : address.raw().b) number = number << 8 | byte;
    return number;
}

PolicyNumber number_of(const MacAddress& mac) {
    PolicyNumber number = 0;
    for (const auto byte : mac.bytes) number = number << 8 | byte;
    return number;
}

PolicyInterval interval_of(const Prefix& prefix) {
    const auto first = number_of(prefix.address);
    const int host_bits = 128 - prefix.mapped_length();
    const auto all = ~static_cast<PolicyNumber>(0);
    return {first,
            host_bits == 128 ? all : first | ((static_cast<PolicyNumber>(1) << host_bits) - 1)};
}

template <class Values, class Read>
PropertyValues values_of(const Values& values, Read read) {
    if (values.empty()) return std::nullopt;
    Intervals intervals;
    for (const auto& value : values) intervals.push_back(read(value));
    return intervals;
}

PolicyInterval range_interval(const PortRange& range) { return {range.first, range.last}; }

/// What is IPv6 is not IPv4, which has its place within it.
void add_prefix(const Prefix& prefix, Intervals& intervals) {
    constexpr PolicyInterval ipv4{static_cast<PolicyNumber>(0xffff) << 32,
                                  static_cast<PolicyNumber>(0xffff'ffff'ffff)};
    const auto whole = interval_of(prefix);
    if (prefix.address.is_v4() || whole.first > ipv4.last || whole.last < ipv4.first) {
        intervals.push_back(whole);
        return;
    }
    if (whole.first < ipv4.first) intervals.push_back({whole.first, ipv4.first - 1});
    if (whole.last > ipv4.last) intervals.push_back({ipv4.last + 1, whole.last});
}

PropertyValues addresses_of(const PolicyEnd& end) {
    if (end.any) return std::nullopt;
    Intervals intervals;
    for (const auto& prefix : end.prefixes) add_prefix(prefix, intervals);
    return intervals;
}

/// Nobody fits by the port alone if there are no ports: who fits anyway does so by the address.
PropertyValues end_ports_of(const PolicyEnd& end) {
    return values_of(end.ports, [](std::uint16_t id) { return PolicyInterval{id, id}; })
        .value_or(Intervals{});
}

/// ICMP stands for all of its types: sl_policy_property.
PolicyInterval protocol_interval(std::uint8_t protocol) {
    if (protocol == IPPROTO_ICMP) return {SL_POLICY_ICMP_TYPES, SL_POLICY_ICMP_TYPES + 255};
    if (protocol == IPPROTO_ICMPV6) return {SL_POLICY_ICMPV6_TYPES, SL_POLICY_ICMPV6_TYPES + 255};
    return {protocol, protocol};
}

PolicyInterval icmp_interval(const IcmpType& type) {
    const PolicyNumber number =
        (type.protocol == IPPROTO_ICMP ? SL_POLICY_ICMP_TYPES : SL_POLICY_ICMPV6_TYPES) + type.type;
    return {number, number};
}

PropertyValues values_of(const ResolvedRule& rule, sl_policy_property property) {
    switch (property) {
        case SL_POLICY_SOURCE:
            return addresses_of(rule.source);
        case SL_POLICY_DESTINATION:
            return addresses_of(rule.destination);
        case SL_POLICY_PROTOCOL:
            return rule.icmp_types.empty() ? values_of(rule.protocols, protocol_interval)
                                           : values_of(rule.icmp_types, icmp_interval);
        case SL_POLICY_DESTINATION_PORT:
            return values_of(rule.ports, range_interval);
        case SL_POLICY_SOURCE_PORT:
            return values_of(rule.source_ports, range_interval);
        case SL_POLICY_VLAN:
            return values_of(rule.vlans, range_interval);
        case SL_POLICY_SOURCE_MAC:
            return values_of(rule.source_macs, [](const MacAddress& mac) {
                return PolicyInterval{number_of(mac), number_of(mac)};
            });
        case SL_POLICY_IN_PORT:
            return end_ports_of(rule.source);
        case SL_POLICY_OUT_PORT:
            return end_ports_of(rule.destination);
        case SL_POLICY_PROPERTIES:
            break;
    }
    return std::nullopt;
}

/// Ordered, and what overlaps or touches made one: else an end would turn off what still holds.
Intervals merged_intervals(Intervals intervals) {
    std::ranges::sort(intervals, {}, &PolicyInterval::first);
    Intervals result;
    for (const auto& it : intervals) {
        const bool joins = !result.empty() &&
                           (it.first <= result.back().last || it.first - 1 == result.back().last);
        if (joins)
            result.back().last = std::max(result.back().last, it.last);
        else
            result.push_back(it);
    }
    return result;
}

/// Rules and defaults by their bits; each kind begins a word.
struct PolicyBits {
    std::vector<const ResolvedRule*> rules;  ///< null: no rule has the bit
    std::uint16_t out_defaults = 0, in_defaults = 0;

    explicit PolicyBits(const ResolvedPolicy& policy) {
        add(policy.rules);
        out_defaults = static_cast<std::uint16_t>(rules.size() / 64);
        add(policy.out_defaults);
        in_defaults = static_cast<std::uint16_t>(rules.size() / 64);
        add(policy.in_defaults);
    }

private:
    void add(const std::vector<ResolvedRule>& more) {
        for (const auto& rule : more) rules.push_back(&rule);
        rules.resize((rules.size() + 63) / 64 * 64);
    }
};

void add_edges(const Intervals& intervals, std::uint32_t bit, std::vector<PolicyEdge>& edges) {
    for (const auto& it : merged_intervals(intervals)) {
        edges.push_back({it.first, bit});
        if (it.last != ~static_cast<PolicyNumber>(0)) edges.push_back({it.last + 1, bit});
    }
}

/// 0 if no rule asks for it.
std::uint32_t add_property_of(const PolicyBits& bits, sl_policy_property property, bool needed,
                              PolicyLines& lines) {
    std::vector<std::uint32_t> everywhere;
    std::vector<PolicyEdge> edges;
    for (std::uint32_t bit = 0; bit < bits.rules.size(); ++bit) {
        if (bits.rules[bit] == nullptr) continue;
        const auto values = values_of(*bits.rules[bit], property);
        needed |= values.has_value();
        if (values)
            add_edges(*values, bit, edges);
        else
            everywhere.push_back(bit);
    }
    return needed ? add_property(lines, everywhere, std::move(edges)) : 0;
}

/// By the port alone fits who is named by it.
bool names_ports(const PolicyBits& bits, PolicyEnd ResolvedRule::* end) {
    return std::ranges::any_of(bits.rules, [&](const ResolvedRule* rule) {
        return rule != nullptr && !(rule->*end).ports.empty();
    });
}

void add_properties(const PolicyBits& bits, PolicyLines& lines, sl_policy_header& header) {
    for (std::uint32_t i = 0; i < SL_POLICY_JOINED; ++i) {
        const auto property = static_cast<sl_policy_property>(i);
        header.root[i] = add_property_of(bits, property, property == SL_POLICY_PROTOCOL, lines);
    }
    if (names_ports(bits, &ResolvedRule::source))
        header.root[SL_POLICY_IN_PORT] = add_property_of(bits, SL_POLICY_IN_PORT, true, lines);
    if (names_ports(bits, &ResolvedRule::destination))
        header.root[SL_POLICY_OUT_PORT] = add_property_of(bits, SL_POLICY_OUT_PORT, true, lines);
}

std::uint32_t add_actions(const PolicyBits& bits, const PolicyStamp& stamp, PolicyLines& lines) {
    std::uint32_t first = 0;
    for (std::size_t bit = 0; bit < bits.rules.size(); bit += 4) {
        sl_policy_line line{};
        for (std::size_t i = 0; i < 4; ++i) {
            const auto* rule = bits.rules[bit + i];
            if (rule == nullptr) continue;
            line.rules[i].action = static_cast<__u32>(rule->action);
            // What expired before the host was up is none the less not for ever.
            if (rule->expires == 0) continue;
            const auto ms = std::max<std::int64_t>(rule->expires - stamp.monotonic_zero, 1);
            line.rules[i].expires = static_cast<__u64>(ms) * 1'000'000;
        }
        const auto number = lines.add(line);
        if (bit == 0) first = number;
    }
    return first;
}

}  // namespace

Result<PolicyImage> compile_policy(const ResolvedPolicy& policy, const PolicyStamp& stamp) {
    const PolicyBits bits(policy);
    PolicyLines lines;
    const auto header_line = lines.add({});
    sl_policy_header header{};
    header.generation = stamp.generation;
    header.fingerprint = stamp.fingerprint;
    header.out_defaults = bits.out_defaults;
    header.in_defaults = bits.in_defaults;
    header.rules = add_actions(bits, stamp, lines);
    add_properties(bits, lines, header);
    if (lines.overflowed())
        return fail(ErrorCode::refused,
                    fmt::format("the policy needs more than {} MB", SL_POLICY_LINES_MAX >> 14),
                    "its rules have too many different sources, destinations and ports: use wider "
                    "prefixes, or a block list for what is only to be dropped");
    lines[header_line].header = header;
    return lines.take();
}

}  // namespace sluice
