// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <charconv>
#include <chrono>

#include "loader/flow/session.hpp"
#include "loader/flow/words.hpp"
#include "sluice/dscp.hpp"
#include "sluice/units.hpp"

namespace sluice {
namespace {

using SessionPredicate = SessionFilter::Predicate;

bool source_in(const Session& session, const Prefix& prefix) {
    return prefix.contains(session.source.address) ||
           prefix.contains(session.translated_source.address);
}

bool destination_in(const Session& session, const Prefix& prefix) {
    return prefix.contains(session.destination.address) ||
           prefix.contains(session.translated_destination.address);
}

bool source_port_in(const Session& session, const PortRange& ports) {
    return ports.contains(session.source.port) || ports.contains(session.translated_source.port);
}

bool destination_port_in(const Session& session, const PortRange& ports) {
    return ports.contains(session.destination.port) ||
           ports.contains(session.translated_destination.port);
}

Result<SessionPredicate> by_source(std::string_view value) {
    SL_TRY(prefix, Prefix::parse(value));
    return [prefix](const Session& session) { return source_in(session, prefix); };
}

Result<SessionPredicate> by_destination(std::string_view value) {
    SL_TRY(prefix, Prefix::parse(value));
    return [prefix](const Session& session) { return destination_in(session, prefix); };
}

Result<SessionPredicate> by_address(std::string_view value) {
    SL_TRY(prefix, Prefix::parse(value));
    return [prefix](const Session& session) {
        return source_in(session, prefix) || destination_in(session, prefix);
    };
}

Result<SessionPredicate> by_source_port(std::string_view value) {
    SL_TRY(ports, PortRange::parse(value));
    return [ports](const Session& session) { return source_port_in(session, ports); };
}

Result<SessionPredicate> by_destination_port(std::string_view value) {
    SL_TRY(ports, PortRange::parse(value));
    return [ports](const Session& session) { return destination_port_in(session, ports); };
}

Result<SessionPredicate> by_port(std::string_view value) {
    SL_TRY(ports, PortRange::parse(value));
    return [ports](const Session& session) {
        return source_port_in(session, ports) || destination_port_in(session, ports);
    };
}

Result<SessionPredicate> by_protocol(std::string_view value) {
    SL_TRY(protocol, parse_protocol(value));
    return [protocol](const Session& session) { return session.protocol == protocol; };
}

Result<SessionPredicate> by_in_port(std::string_view value) {
    return [name = std::string(value)](const Session& session) { return session.in_port == name; };
}

Result<SessionPredicate> by_out_port(std::string_view value) {
    return [name = std::string(value)](const Session& session) { return session.out_port == name; };
}

Result<SessionPredicate> by_vm(std::string_view value) {
    return [name = std::string(value)](const Session& session) {
        return session.vm == name || session.peer_vm == name;
    };
}

Result<SessionPredicate> by_path(std::string_view value) {
    if (const auto path = find_word(value, flow_paths))
        return [path = *path](const Session& session) { return session.path == path; };
    return fail(ErrorCode::usage, "unknown path", "paths: routed, switched, local");
}

Result<SessionPredicate> by_verdict(std::string_view value) {
    if (const auto verdict = find_word(value, flow_verdicts))
        return [verdict = *verdict](const Session& session) { return session.verdict == verdict; };
    return fail(ErrorCode::usage, "unknown verdict", "verdicts: allow, deny");
}

Result<SessionPredicate> by_rule(std::string_view value) {
    return [name = std::string(value)](const Session& session) { return session.rule == name; };
}

Result<SessionPredicate> by_session_dscp(std::string_view value) {
    SL_TRY(dscp, parse_dscp(value));
    return [dscp](const Session& session) { return session.dscp == dscp; };
}

Result<double> read_size(std::string_view text) {
    SL_TRY(size, parse_size(text));
    return static_cast<double>(size);
}

Result<double> read_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size())
        return static_cast<double>(number);
    return fail(ErrorCode::usage, fmt::format("`{}` is not a number", text),
                "write a whole number, without a unit");
}

Result<double> read_seconds(std::string_view text) {
    const auto brief = parse_short_duration(text);
    if (brief) return std::chrono::duration<double>(*brief).count();
    SL_TRY(duration, parse_duration(text));
    return std::chrono::duration<double>(duration).count();
}

/// A term about a number, which `read` reads and `of` tells of a session.
auto by_number(Result<double> (*read)(std::string_view), double (*of)(const Session&)) {
    return [read, of](std::string_view value, Comparison comparison) -> Result<SessionPredicate> {
        SL_TRY(number, read(value));
        return [=](const Session& session) { return compares(of(session), comparison, number); };
    };
}

Result<SessionPredicate> by_state(std::string_view value) {
    if (const auto state = find_word(value, session_states))
        return [state = *state](const Session& session) { return session.state == state; };
    return fail(ErrorCode::usage, "unknown state",
                "states: unreplied, replied, syn-sent, syn-received, established, closing, closed");
}

/// A hairpin session is translated at both ends, and found by either.
Result<SessionPredicate> by_nat(std::string_view value) {
    using enum NatKind;
    const auto one_of = [](NatKind a, NatKind b) -> SessionPredicate {
        return [a, b](const Session& session) { return session.nat == a || session.nat == b; };
    };
    if (value == "snat") return one_of(snat, hairpin);
    if (value == "dnat") return one_of(dnat, hairpin);
    if (value == "none") return one_of(none, none);
    return fail(ErrorCode::usage, "unknown kind of translation", "nat=snat, nat=dnat or nat=none");
}

double bytes_of(const Session& it) {
    return static_cast<double>(it.sent.bytes + it.received.bytes);
}

double packets_of(const Session& it) {
    return static_cast<double>(it.sent.packets + it.received.packets);
}

const std::array<SessionFilter::Key, 22> keys{{
    {"src", "CIDR", "who opened it: its address, translated or not", by_source},
    {"dst", "CIDR", "whom it talks to, translated or not", by_destination},
    {"addr", "CIDR", "either end", by_address},
    {"sport", "PORT[-PORT]", "source port (ICMP: the echo identifier)", by_source_port},
    {"dport", "PORT[-PORT]", "destination port", by_destination_port},
    {"port", "PORT[-PORT]", "either port", by_port},
    {"proto", "tcp|udp|icmp|N", "protocol", by_protocol},
    {"vm", "NAME", "a VM at either end", by_vm},
    {"in", "IF", "the port its packets enter by", by_in_port},
    {"out", "IF", "the port they leave by", by_out_port},
    {"path", "PATH", "routed, switched, or local: one end is the host", by_path},
    {"state", "STATE", "unreplied, replied, syn-sent, syn-received, established, closing, closed",
     by_state},
    {"nat", "snat|dnat|none", "how it is translated", by_nat},
    {"verdict", "allow|deny", "what the policy says of it", by_verdict},
    {"rule", "NAME", "of the policy, that said so", by_rule},
    {"dscp", "DSCP", "of the packet that opened it", by_session_dscp},
    {"vlan",
     "N",
     "also <, <=, >=, =, as of all numbers",
     {},
     by_number(read_number, [](const Session& it) { return static_cast<double>(it.domain); })},
    {"bytes",
     "SIZE",
     "both directions together; write it in quotes: 'bytes>1mb'",
     {},
     by_number(read_size, bytes_of)},
    {"packets", "N", "both directions together", {}, by_number(read_number, packets_of)},
    {"age",
     "TIME",
     "since it was opened",
     {},
     by_number(read_seconds, [](const Session& it) { return it.age; })},
    {"idle",
     "TIME",
     "since its last packet",
     {},
     by_number(read_seconds, [](const Session& it) { return it.idle; })},
    {"rtt",
     "TIME",
     "of the TCP handshake",
     {},
     by_number(read_seconds, [](const Session& it) { return it.handshake; })},
}};

}  // namespace

Result<SessionFilter> parse_session_filter(std::span<const std::string> terms) {
    return SessionFilter::parse(keys, terms);
}

std::string session_filter_help() { return SessionFilter::help(keys); }

}  // namespace sluice
