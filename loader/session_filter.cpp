#include <array>

#include "loader/session.hpp"
#include "sluice/model.hpp"

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

Result<SessionPredicate> by_state(std::string_view value) {
    using enum SessionState;
    for (const auto state :
         {unreplied, replied, syn_sent, syn_received, established, closing, closed})
        if (value == session_state_text(state))
            return [state](const Session& session) { return session.state == state; };
    return fail(ErrorCode::usage, "there is no such state",
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
    return fail(ErrorCode::usage, "there is no such kind of translation",
                "nat=snat, nat=dnat or nat=none");
}

const std::array<SessionFilter::Key, 10> keys{{
    {"src", "CIDR", "who opened it: its address, translated or not", by_source},
    {"dst", "CIDR", "whom it talks to, translated or not", by_destination},
    {"addr", "CIDR", "either end", by_address},
    {"sport", "PORT[-PORT]", "source port (ICMP: the echo identifier)", by_source_port},
    {"dport", "PORT[-PORT]", "destination port", by_destination_port},
    {"port", "PORT[-PORT]", "either port", by_port},
    {"proto", "tcp|udp|icmp|N", "protocol", by_protocol},
    {"in", "IF", "the port its packets enter by", by_in_port},
    {"state", "STATE", "unreplied, replied, syn-sent, syn-received, established, closing, closed",
     by_state},
    {"nat", "snat|dnat|none", "how it is translated", by_nat},
}};

}  // namespace

Result<SessionFilter> parse_session_filter(std::span<const std::string> terms) {
    return SessionFilter::parse(keys, terms);
}

std::string session_filter_help() { return SessionFilter::help(keys); }

}  // namespace sluice
