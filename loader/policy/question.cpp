// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/question.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "loader/base/filter.hpp"
#include "loader/base/nearest.hpp"
#include "loader/model/ports.hpp"
#include "loader/policy/values.hpp"

namespace sluice {
namespace {

/// What is read; the ICMP type when its protocol is known.
struct FlowDraft {
    std::span<const PortSpec> ports;
    PolicyPacket packet = {};
    std::string icmp_type = {};
};

struct FlowKey {
    std::string_view name, value, meaning;
    Result<> (*read)(std::string_view value, FlowDraft& draft);
};

template <class Value, class Field>
Result<> put_value(const Result<Value>& value, Field& field) {
    SL_CHECK(value);
    field = *value;
    return {};
}

Result<std::uint16_t> parse_within(std::string_view text, std::uint16_t most) {
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    if (whole && number <= most) return number;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a number 0 to {}", text, most));
}

Result<std::uint16_t> port_id_of(std::span<const PortSpec> ports, std::string_view name) {
    if (name == "host" && find_port(ports, name) == nullptr) return 0;
    SL_TRY(port, require_port(ports, name));
    return port->id;
}

const std::array<FlowKey, 10> flow_keys{{
    {"src", "ADDRESS", "of who opens it; without masquerade",
     [](auto text, auto& it) { return put_value(Address::parse(text), it.packet.source); }},
    {"dst", "ADDRESS", "of whom it goes to; behind a forward",
     [](auto text, auto& it) { return put_value(Address::parse(text), it.packet.destination); }},
    {"proto", "tcp|udp|icmp|N", "protocol; tcp if there are ports",
     [](auto text, auto& it) {
         return put_value(parse_policy_protocol(text), it.packet.protocol);
     }},
    {"sport", "PORT", "source port",
     [](auto text, auto& it) {
         return put_value(parse_within(text, 65535), it.packet.source_port);
     }},
    {"dport", "PORT", "destination port",
     [](auto text, auto& it) {
         return put_value(parse_within(text, 65535), it.packet.destination_port);
     }},
    {"icmp-type", "TYPE", "a name or a number; echo-request if it is not said",
     [](auto text, auto& it) {
         it.icmp_type = text;
         return Result<>{};
     }},
    {"vlan", "N", "of its packets; 0 = none",
     [](auto text, auto& it) { return put_value(parse_within(text, last_vlan), it.packet.vlan); }},
    {"in", "IF", "the port they enter by; `host`: its own. Without it one without a name",
     [](auto text, auto& it) { return put_value(port_id_of(it.ports, text), it.packet.in_port); }},
    {"out", "IF", "the port they leave by; `host`: to it. Without it one without a name",
     [](auto text, auto& it) { return put_value(port_id_of(it.ports, text), it.packet.out_port); }},
    {"mac", "MAC", "of who sends them",
     [](auto text, auto& it) { return put_value(MacAddress::parse(text), it.packet.source_mac); }},
}};

Result<> read_flow_term(std::string_view text, FlowDraft& draft, std::set<std::string_view>& seen) {
    std::array<std::string_view, flow_keys.size()> names;
    std::ranges::transform(flow_keys, names.begin(), &FlowKey::name);
    const auto known = fmt::format("keys: {}", fmt::join(names, ", "));
    const auto term = FilterTerm::split(text);
    if (!term || term->comparison != Comparison::equal)
        return fail(ErrorCode::usage, fmt::format("\"{}\" is not KEY=VALUE", text), known);
    const auto key = std::ranges::find(flow_keys, term->key, &FlowKey::name);
    if (key == flow_keys.end())
        return fail(ErrorCode::usage, fmt::format("unknown key \"{}\"", term->key), known);
    if (!seen.insert(key->name).second)
        return fail(ErrorCode::usage, fmt::format("{} stands twice", key->name),
                    "a flow has one of each");
    const auto done = key->read(term->value, draft);
    if (done) return {};
    return fail(done.error().code, fmt::format("{}: {}", text, done.error().message),
                done.error().hint);
}

Result<> read_icmp_type_of(FlowDraft& draft, bool is_said) {
    auto& packet = draft.packet;
    const bool icmp = packet.protocol == IPPROTO_ICMP || packet.protocol == IPPROTO_ICMPV6;
    if (!icmp && is_said)
        return fail(ErrorCode::usage, "icmp-type goes with proto=icmp or proto=icmpv6");
    if (!icmp) return {};
    SL_TRY(types, parse_icmp_type(is_said ? draft.icmp_type : "echo-request", {packet.protocol}));
    packet.icmp_type = types.front().type;
    return {};
}

}  // namespace

Result<PolicyPacket> parse_policy_flow(std::span<const std::string> terms,
                                       std::span<const PortSpec> ports) {
    FlowDraft draft{ports};
    std::set<std::string_view> seen;
    for (const auto& term : terms) SL_CHECK(read_flow_term(term, draft, seen));
    for (const auto* needed : {"src", "dst"})
        if (!seen.contains(needed))
            return fail(ErrorCode::usage, fmt::format("the flow has no {}", needed),
                        "write src=10.0.0.5 dst=192.168.1.1 proto=tcp dport=3306 in=tap0");
    auto& packet = draft.packet;
    if (packet.source.is_v4() != packet.destination.is_v4())
        return fail(ErrorCode::usage, "src and dst are not both IPv4 or both IPv6");
    const bool has_ports = seen.contains("sport") || seen.contains("dport");
    if (has_ports && !seen.contains("proto")) packet.protocol = IPPROTO_TCP;
    if (has_ports && packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP)
        return fail(
            ErrorCode::usage,
            fmt::format("protocol {} has no ports here", policy_protocol_text(packet.protocol)),
            "ports go with proto=tcp or proto=udp");
    SL_CHECK(read_icmp_type_of(draft, seen.contains("icmp-type")));
    return packet;
}

std::string policy_flow_help() {
    std::string text;
    for (const auto& key : flow_keys)
        text +=
            fmt::format("  {:<20} {}\n", fmt::format("{}={}", key.name, key.value), key.meaning);
    return text;
}

}  // namespace sluice
