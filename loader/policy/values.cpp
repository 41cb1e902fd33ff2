// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/values.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "loader/base/clock.hpp"
#include "loader/base/nearest.hpp"

namespace sluice {
namespace {

struct IcmpName {
    std::string_view name;
    IcmpType type;
};

// The messages that filters are written about (RFC 792, RFC 4443, RFC 4861).
constexpr std::array<IcmpName, 18> icmp_names{{
    {"echo-request", {IPPROTO_ICMP, ICMP_ECHO}},
    {"echo-request", {IPPROTO_ICMPV6, ICMP6_ECHO_REQUEST}},
    {"echo-reply", {IPPROTO_ICMP, ICMP_ECHOREPLY}},
    {"echo-reply", {IPPROTO_ICMPV6, ICMP6_ECHO_REPLY}},
    {"destination-unreachable", {IPPROTO_ICMP, ICMP_DEST_UNREACH}},
    {"destination-unreachable", {IPPROTO_ICMPV6, ICMP6_DST_UNREACH}},
    {"time-exceeded", {IPPROTO_ICMP, ICMP_TIME_EXCEEDED}},
    {"time-exceeded", {IPPROTO_ICMPV6, ICMP6_TIME_EXCEEDED}},
    {"parameter-problem", {IPPROTO_ICMP, ICMP_PARAMETERPROB}},
    {"parameter-problem", {IPPROTO_ICMPV6, ICMP6_PARAM_PROB}},
    {"redirect", {IPPROTO_ICMP, ICMP_REDIRECT}},
    {"redirect", {IPPROTO_ICMPV6, ND_REDIRECT}},
    {"timestamp-request", {IPPROTO_ICMP, ICMP_TIMESTAMP}},
    {"packet-too-big", {IPPROTO_ICMPV6, ICMP6_PACKET_TOO_BIG}},
    {"router-solicitation", {IPPROTO_ICMPV6, ND_ROUTER_SOLICIT}},
    {"router-advertisement", {IPPROTO_ICMPV6, ND_ROUTER_ADVERT}},
    {"neighbour-solicitation", {IPPROTO_ICMPV6, ND_NEIGHBOR_SOLICIT}},
    {"neighbour-advertisement", {IPPROTO_ICMPV6, ND_NEIGHBOR_ADVERT}},
}};

std::unexpected<Error> unknown_icmp_type(std::string_view text) {
    std::array<std::string_view, icmp_names.size()> names;
    std::ranges::transform(icmp_names, names.begin(), &IcmpName::name);
    const auto nearest = nearest_name(names, text);
    return fail(ErrorCode::usage, fmt::format("`{}` is not an ICMP type here", text),
                nearest ? fmt::format("did you mean {}? Or write a number 0 to 255", *nearest)
                        : "write echo-request, echo-reply and the like, or a number 0 to 255");
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& letter : lower)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return lower;
}

}  // namespace

Result<> each_part(std::string_view text, const std::function<Result<>(std::string_view)>& read) {
    constexpr std::string_view blanks = " \t";
    for (std::size_t from = 0; from <= text.size();) {
        const auto comma = std::min(text.find(',', from), text.size());
        auto part = text.substr(from, comma - from);
        part.remove_prefix(std::min(part.find_first_not_of(blanks), part.size()));
        part = part.substr(0, part.find_last_not_of(blanks) + 1);
        SL_CHECK(read(part));
        from = comma + 1;
    }
    return {};
}

Result<std::uint8_t> parse_policy_protocol(std::string_view text) {
    const auto name = lower_case(text);
    if (name == "sctp") return static_cast<std::uint8_t>(IPPROTO_SCTP);
    const auto protocol = parse_protocol(name);
    if (protocol) return *protocol;
    return fail(ErrorCode::usage, fmt::format("`{}` is not a protocol", text),
                "write tcp, udp, icmp, icmpv6, sctp or a number 0 to 255");
}

std::string policy_protocol_text(std::uint8_t protocol) {
    return protocol == IPPROTO_SCTP ? "sctp" : protocol_text(protocol);
}

Result<std::vector<IcmpType>> parse_icmp_type(std::string_view text,
                                              const std::vector<std::uint8_t>& protocols) {
    std::vector<IcmpType> types;
    std::uint8_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) {
        if (protocols.size() == 1) return std::vector{IcmpType{protocols.front(), number}};
        return fail(ErrorCode::usage, fmt::format("type {} is another one in ICMPv6", text),
                    "say which: `protocol: icmp` or `protocol: icmpv6`");
    }
    for (const auto& known : icmp_names)
        if (known.name == text &&
            std::ranges::find(protocols, known.type.protocol) != protocols.end())
            types.push_back(known.type);
    if (types.empty()) return unknown_icmp_type(text);
    return types;
}

std::string icmp_type_text(const IcmpType& type) {
    const auto known = std::ranges::find(icmp_names, type, &IcmpName::type);
    return known == icmp_names.end() ? fmt::format("{}", type.type) : std::string(known->name);
}

Result<std::int64_t> parse_time(std::string_view text) {
    if (const auto time = parse_rfc3339(text))
        return std::chrono::floor<std::chrono::seconds>(*time).time_since_epoch().count();
    return fail(ErrorCode::usage, fmt::format("`{}` is not a time", text),
                "write it as 2026-12-01T00:00:00Z, or 2026-12-01T02:00:00+02:00");
}

std::string time_text(std::int64_t seconds) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

}  // namespace sluice
