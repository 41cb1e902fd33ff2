// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/match.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "loader/base/nearest.hpp"
#include "sluice/dscp.hpp"
#include "sluice/model/port.hpp"

namespace sluice {
namespace {

using Ports = std::vector<PortRange>;

QosMatch by_ports(std::optional<std::uint8_t> protocol, Ports ports) {
    QosMatch match;
    match.protocol = protocol;
    match.ports = std::move(ports);
    return match;
}

QosMatch by_dscp(std::uint8_t dscp) {
    QosMatch match;
    match.dscp = dscp;
    return match;
}

constexpr std::uint8_t expedited = 46;

/// As few matches as say it: an instance has 64. Ports without a protocol are those of TCP and
/// UDP, of which SIP and DNS may use either. Ports are IANA's; RTP's are those that Asterisk, Cisco
/// and others begin with, up to where Linux takes its own ports from.
const std::array<QosApp, 7> applications{{
    {"voip",
     "SIP, RTP, and all that is marked EF",
     {by_ports({}, {{5060, 5061}}), by_ports(IPPROTO_UDP, {{16384, 32767}}), by_dscp(expedited)}},
    {"sip", "calls set up: tcp, udp 5060-5061", {by_ports({}, {{5060, 5061}})}},
    {"rtp", "voice, video: udp 16384-32767", {by_ports(IPPROTO_UDP, {{16384, 32767}})}},
    {"dns", "names: udp, tcp 53; over TLS, QUIC 853", {by_ports({}, {{53, 53}, {853, 853}})}},
    {"ssh", "tcp 22", {by_ports(IPPROTO_TCP, {{22, 22}})}},
    {"web",
     "tcp 80, 443; HTTP/3: udp 443",
     {by_ports(IPPROTO_TCP, {{80, 80}, {443, 443}}), by_ports(IPPROTO_UDP, {{443, 443}})}},
    {"rdp", "desktops: tcp, udp 3389", {by_ports({}, {{3389, 3389}})}},
}};

std::unexpected<Error> wrong_value(std::string message, std::string hint) {
    return fail(ErrorCode::usage, std::move(message), std::move(hint));
}

const QosApp* application(std::string_view name) {
    const auto found = std::ranges::find(applications, name, &QosApp::name);
    return found == applications.end() ? nullptr : &*found;
}

std::string joined(std::span<const std::string_view> names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

std::string unknown_hint(std::span<const std::string_view> names, std::string_view written,
                         std::string_view what) {
    auto known = fmt::format("{}: {}", what, joined(names));
    if (const auto nearest = nearest_name(names, written))
        return fmt::format("did you mean {}? {}", *nearest, known);
    return known;
}

Result<> read_app(std::string_view value, QosMatch& match) {
    match.app = value;
    if (application(value) != nullptr) return {};
    std::array<std::string_view, applications.size()> names;
    std::ranges::transform(applications, names.begin(), &QosApp::name);
    return wrong_value(fmt::format("`{}` is not an application", value),
                       unknown_hint(names, value, "applications"));
}

Result<> read_vm(std::string_view value, QosMatch& match) {
    match.vm = value;
    return check_name(value, {"a VM name"});
}

Result<> read_interface(std::string_view value, QosMatch& match) {
    match.interface = value;
    if (!value.empty() && value.size() < IFNAMSIZ && value.find('/') == value.npos) return {};
    return wrong_value(fmt::format("`{}` is not an interface name", value),
                       fmt::format("a name has 1 to {} bytes", IFNAMSIZ - 1));
}

Result<> read_vlan(std::string_view value, QosMatch& match) {
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), match.vlan);
    const bool whole = error == std::errc{} && end == value.data() + value.size();
    if (whole && match.vlan >= 1 && match.vlan <= last_vlan) return {};
    return wrong_value(fmt::format("`{}` is not a VLAN", value),
                       fmt::format("VLAN ids are 1 to {}", last_vlan));
}

Result<> read_protocol(std::string_view value, QosMatch& match) {
    const auto protocol = parse_protocol(value);
    if (!protocol || *protocol == SL_QOS_NO_PROTOCOL)
        return wrong_value(fmt::format("`{}` is not a protocol", value),
                           "write tcp, udp, icmp, icmpv6 or a number 0 to 254");
    match.protocol = *protocol;
    return {};
}

/// Sorted, and what overlaps or touches made one: a datapath's intervals are few.
Ports merged_ports(Ports ports) {
    std::ranges::sort(ports);
    Ports result;
    for (const auto& range : ports) {
        if (!result.empty() && range.first <= result.back().last + 1)
            result.back().last = std::max(result.back().last, range.last);
        else
            result.push_back(range);
    }
    return result;
}

Result<> read_ports(std::string_view value, QosMatch& match) {
    Ports ports;
    for (bool more = true; more;) {
        const auto comma = value.find(',');
        SL_TRY(range, PortRange::parse(value.substr(0, comma)));
        ports.push_back(range);
        more = comma != value.npos;
        if (more) value.remove_prefix(comma + 1);
    }
    match.ports = merged_ports(std::move(ports));
    return {};
}

Result<> read_dscp(std::string_view value, QosMatch& match) {
    SL_TRY(dscp, parse_dscp(value));
    match.dscp = dscp;
    return {};
}

struct MatchKey {
    std::string_view name;
    std::string_view value;    ///< how to write it, `N`
    std::string_view meaning;  ///< one line for --help
    Result<> (*read)(std::string_view, QosMatch&);
};

constexpr std::array<MatchKey, 7> match_keys{{
    {"app", "NAME", "what the frames of an application look like (below)", read_app},
    {"vm", "NAME", "it comes from, or goes to, a port of this VM", read_vm},
    {"if", "IF", "it comes from, or goes to, this port", read_interface},
    {"vlan", "1..4094", "it is in this VLAN", read_vlan},
    {"proto", "tcp|udp|icmp|N", "protocol", read_protocol},
    {"port", "PORT[-PORT],...", "either port of TCP or UDP", read_ports},
    {"dscp", "NAME|0..63", "DSCP that it comes with", read_dscp},
}};

constexpr auto match_key_names = [] {
    std::array<std::string_view, match_keys.size()> names;
    std::ranges::transform(match_keys, names.begin(), &MatchKey::name);
    return names;
}();

/// @param seen names of the keys before it
Result<> read_term(std::string_view term, QosMatch& match, std::set<std::string_view>& seen) {
    const auto equals = term.find('=');
    if (equals == term.npos)
        return wrong_value(fmt::format("match term \"{}\" is not KEY=VALUE", term),
                           "keys: " + joined(match_key_names));
    const auto name = term.substr(0, equals), value = term.substr(equals + 1);
    const auto key = std::ranges::find(match_keys, name, &MatchKey::name);
    if (key == match_keys.end())
        return wrong_value(fmt::format("unknown match key \"{}\"", name),
                           unknown_hint(match_key_names, name, "keys"));
    if (!seen.insert(key->name).second)
        return wrong_value(fmt::format("match key {} stands twice", name),
                           "several ports are `port=80,443`; for either of two, write two matches");
    const auto read = key->read(value, match);
    if (read) return {};
    return wrong_value(fmt::format("match {}={}: {}", name, value, read.error().message),
                       read.error().hint);
}

bool has_ports(std::uint8_t protocol) { return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP; }

Result<> check_together(const QosMatch& match, std::string_view text) {
    if (match == QosMatch{})
        return wrong_value("an empty match matches nothing",
                           "what no class matches is in the class `default`");
    if (!match.app.empty() && (match.protocol || match.dscp || !match.ports.empty()))
        return wrong_value(fmt::format("match \"{}\": app says proto, port and dscp", text),
                           fmt::format("leave them out, or app={}", match.app));
    if (!match.ports.empty() && match.protocol && !has_ports(*match.protocol))
        return wrong_value(fmt::format("match \"{}\": protocol {} has no ports here", text,
                                       protocol_text(*match.protocol)),
                           "ports go with proto=tcp, proto=udp, or neither");
    return {};
}

}  // namespace

std::span<const QosApp> qos_apps() { return applications; }

Result<QosMatch> parse_qos_match(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    QosMatch match;
    std::set<std::string_view> seen;
    for (auto from = text.find_first_not_of(blanks); from != text.npos;) {
        const auto end = std::min(text.find_first_of(blanks, from), text.size());
        SL_CHECK(read_term(text.substr(from, end - from), match, seen));
        from = text.find_first_not_of(blanks, end);
    }
    SL_CHECK(check_together(match, text));
    return match;
}

std::string qos_match_text(const QosMatch& match) {
    std::string text;
    const auto add = [&](std::string_view key, const auto& value) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", key, value);
    };
    if (!match.app.empty()) add("app", match.app);
    if (!match.vm.empty()) add("vm", match.vm);
    if (!match.interface.empty()) add("if", match.interface);
    if (match.vlan != 0) add("vlan", match.vlan);
    if (match.protocol) add("proto", protocol_text(*match.protocol));
    std::string ports;
    for (const auto& range : match.ports)
        ports += fmt::format("{}{}", ports.empty() ? "" : ",", range.text());
    if (!ports.empty()) add("port", ports);
    if (match.dscp) add("dscp", dscp_text(*match.dscp));
    return text;
}

std::string qos_match_help() {
    std::string text;
    for (const auto& key : match_keys)
        text +=
            fmt::format("  {:<25} {}\n", fmt::format("{}={}", key.name, key.value), key.meaning);
    for (const auto& app : applications)
        text += fmt::format("  {:<25} {}\n", fmt::format("app={}", app.name), app.meaning);
    return text;
}

std::vector<QosMatch> spell_out(const QosMatch& match) {
    const auto* app = application(match.app);
    if (app == nullptr) return {match};
    auto matches = app->matches;
    for (auto& it : matches) {
        it.vm = match.vm;
        it.interface = match.interface;
        it.vlan = match.vlan;
    }
    return matches;
}

}  // namespace sluice
