#include "loader/session.hpp"

#include <netinet/in.h>

#include <chrono>
#include <ctime>
#include <map>

#include "loader/kernel/link.hpp"

namespace sluice {
namespace {

double seconds_of_ticks(std::uint32_t ticks) {
    return static_cast<double>(ticks) * (1ull << SL_TICK_SHIFT) / 1e9;
}

Address source(const sl_key4& key) { return Address::v4(key.saddr); }
Address source(const sl_key6& key) { return Address(key.saddr); }
Address destination(const sl_key4& key) { return Address::v4(key.daddr); }
Address destination(const sl_key6& key) { return Address(key.daddr); }
Address translated_source(const sl_key4&, const sl_flow& flow) { return Address::v4(flow.saddr); }
Address translated_source(const sl_key6& key, const sl_flow&) { return source(key); }
Address translated_destination(const sl_key4&, const sl_flow& flow) {
    return Address::v4(flow.daddr);
}
Address translated_destination(const sl_key6& key, const sl_flow&) { return destination(key); }

/// The key of the other direction: what answers the packet as it leaves.
sl_key4 reply_key(const sl_key4& key, const sl_flow& flow) {
    return {.saddr = flow.daddr,
            .daddr = flow.saddr,
            .sport = flow.dport,
            .dport = flow.sport,
            .domain = static_cast<__u16>(flow.out_domain),
            .proto = key.proto,
            .zero = 0};
}
sl_key6 reply_key(const sl_key6& key, const sl_flow& flow) {
    return {.saddr = key.daddr,
            .daddr = key.saddr,
            .sport = flow.dport,
            .dport = flow.sport,
            .domain = static_cast<__u16>(flow.out_domain),
            .proto = key.proto,
            .zero = 0};
}

NatKind nat_kind(const sl_flow& flow) {
    const bool snat = (flow.flags & SL_FLOW_SNAT) != 0;
    const bool dnat = (flow.flags & SL_FLOW_DNAT) != 0;
    if (snat && dnat) return NatKind::hairpin;
    if (snat) return NatKind::snat;
    return dnat ? NatKind::dnat : NatKind::none;
}

SessionState state_of(std::uint8_t protocol, const sl_flow& original, const sl_flow& reply) {
    if (protocol == IPPROTO_TCP) return tcp_state(original.tcp_seen, reply.tcp_seen);
    return reply.packets > 0 ? SessionState::replied : SessionState::unreplied;
}

/// As the sweeper decides it.
std::uint32_t timeout_ticks(const sl_settings& settings, std::uint8_t protocol,
                            SessionState state) {
    switch (protocol) {
        case IPPROTO_TCP:
            return state == SessionState::established ? settings.tcp_established_timeout
                                                      : settings.tcp_transitory_timeout;
        case IPPROTO_UDP:
            return settings.udp_timeout;
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6:
            return settings.icmp_timeout;
        default:
            return settings.other_timeout;
    }
}

bool is_original(const sl_flow& flow) { return (flow.flags & SL_FLOW_ORIG) != 0; }

/// Forms sessions out of flow entries.
class SessionReader {
public:
    static Result<SessionReader> make(const Datapath& datapath) {
        SL_TRY(settings, datapath.maps().settings.lookup(0));
        SessionReader reader(settings.value_or(sl_settings{}));
        SL_TRY(links, list_links());
        SL_CHECK(datapath.maps().ports.for_each([&](const __u32& ifindex, const sl_port& port) {
            for (const auto& link : links)
                if (link.ifindex == ifindex) reader.names_[port.id] = link.name;
            return true;
        }));
        return reader;
    }

    /// @param reply the other direction; zero while it has no entry
    template <class Key>
    Session form(const Key& key, const sl_flow& flow, const sl_flow& reply) const {
        Session session;
        session.protocol = key.proto;
        session.domain = key.domain;
        session.source = {source(key), ntohs(key.sport)};
        session.destination = {destination(key), ntohs(key.dport)};
        session.translated_source = {translated_source(key, flow), ntohs(flow.sport)};
        session.translated_destination = {translated_destination(key, flow), ntohs(flow.dport)};
        session.state = state_of(key.proto, flow, reply);
        session.nat = nat_kind(flow);
        session.sent = {flow.packets, flow.bytes};
        session.received = {reply.packets, reply.bytes};
        session.flushed = (flow.flags & SL_FLOW_FLUSH) != 0;
        const auto name = names_.find(flow.in_port);
        if (name != names_.end()) session.in_port = name->second;
        set_times(session, flow, reply);
        return session;
    }

private:
    explicit SessionReader(const sl_settings& settings) : settings_(settings) {}

    /// Ticks wrap: the later of two is the one that lies less far back.
    void set_times(Session& session, const sl_flow& flow, const sl_flow& reply) const {
        std::uint32_t idle = now_ - flow.last_seen;
        if (reply.packets > 0) idle = std::min(idle, now_ - reply.last_seen);
        if (idle > 1u << 31) idle = 0;  // a packet since we looked at the clock
        const auto timeout = timeout_ticks(settings_, session.protocol, session.state);
        session.age = static_cast<double>(now_epoch_ - flow.created) * epoch_second;
        session.idle = seconds_of_ticks(idle);
        session.expires_in = idle < timeout ? seconds_of_ticks(timeout - idle) : 0;
    }

    sl_settings settings_;
    std::map<std::uint16_t, std::string> names_;  ///< of ports by id
    std::uint32_t now_ = now_tick();
    std::uint32_t now_epoch_ = now_epoch();
};

/// @param visit bool(const Key&, const sl_flow&, const Session&)
template <class Key, class Visit>
Result<> walk(const Map<Key, sl_flow>& flows, const SessionReader& reader,
              const SessionFilter& filter, Visit&& visit) {
    Result<> failure;
    SL_CHECK(flows.for_each([&](const Key& key, const sl_flow& flow) {
        if (!is_original(flow)) return true;
        auto reply = flows.lookup(reply_key(key, flow));
        if (!reply) {
            failure = std::unexpected(reply.error());
            return false;
        }
        const auto session = reader.form(key, flow, reply->value_or(sl_flow{}));
        return !filter.matches(session) || visit(key, flow, session);
    }));
    return failure;
}

/// Marks the entry for the sweeper. The rest of the entry may lose what one packet wrote at
/// this very moment: the session ends anyway.
template <class Key>
Result<bool> flush(const Map<Key, sl_flow>& flows, const Key& key, sl_flow flow) {
    flow.flags |= SL_FLOW_FLUSH;
    const auto done = flows.update(key, flow, UpdateMode::existing);
    if (done) return true;
    if (done.error().code == ErrorCode::not_found) return false;
    return std::unexpected(done.error());
}

/// @param is_it bool(const Key&, const sl_flow&)
template <class Key, class IsIt>
Result<> flush_where(const Map<Key, sl_flow>& flows, IsIt&& is_it) {
    Result<> failure;
    SL_CHECK(flows.for_each([&](const Key& key, const sl_flow& flow) {
        if (!is_original(flow) || !is_it(key, flow)) return true;
        const auto done = flush(flows, key, flow);
        if (!done) failure = std::unexpected(done.error());
        return done.has_value();
    }));
    return failure;
}

template <class Key>
Result<std::uint64_t> flush_matching(const Map<Key, sl_flow>& flows, const SessionReader& reader,
                                     const SessionFilter& filter) {
    std::uint64_t count = 0;
    Result<> failure;
    SL_CHECK(walk(flows, reader, filter, [&](const Key& key, const sl_flow& flow, const Session&) {
        const auto done = flush(flows, key, flow);
        if (!done) failure = std::unexpected(done.error());
        count += done.value_or(false);
        return done.has_value();
    }));
    SL_CHECK(failure);
    return count;
}

}  // namespace

std::string_view session_state_text(SessionState state) {
    switch (state) {
        case SessionState::unreplied:
            return "unreplied";
        case SessionState::replied:
            return "replied";
        case SessionState::syn_sent:
            return "syn-sent";
        case SessionState::syn_received:
            return "syn-received";
        case SessionState::established:
            return "established";
        case SessionState::closing:
            return "closing";
        case SessionState::closed:
            return "closed";
    }
    return "";
}

std::string_view nat_kind_text(NatKind kind) {
    switch (kind) {
        case NatKind::none:
            return "none";
        case NatKind::snat:
            return "snat";
        case NatKind::dnat:
            return "dnat";
        case NatKind::hairpin:
            return "hairpin";
    }
    return "";
}

SessionState tcp_state(std::uint8_t original_seen, std::uint8_t reply_seen) {
    using enum SessionState;
    const std::uint8_t both = original_seen & reply_seen;
    const std::uint8_t either = original_seen | reply_seen;
    if ((either & SL_TCP_RST) != 0 || (both & SL_TCP_FIN) != 0) return closed;
    if ((either & SL_TCP_FIN) != 0) return closing;
    if ((both & SL_TCP_ACK) != 0) return established;
    if (reply_seen != 0) return syn_received;
    // Without a SYN it is the middle of a conversation that began before we looked.
    return (original_seen & SL_TCP_SYN) != 0 ? syn_sent : unreplied;
}

Result<> for_each_session(const Datapath& datapath, const SessionFilter& filter,
                          const SessionVisitor& visit) {
    SL_TRY(reader, SessionReader::make(datapath));
    bool more = true;
    const auto one = [&](const auto&, const sl_flow&, const Session& session) {
        return more = visit(session);
    };
    SL_CHECK(walk(datapath.maps().flows4, reader, filter, one));
    if (more) SL_CHECK(walk(datapath.maps().flows6, reader, filter, one));
    return {};
}

Result<SessionCount> count_sessions(const Datapath& datapath, const SessionFilter& filter) {
    SessionCount count;
    if (filter.empty()) {
        SL_TRY(live, datapath.maps().live.lookup(0));
        if (live) count = {live->sessions4, live->sessions6};
        return count;
    }
    SL_CHECK(for_each_session(datapath, filter, [&](const Session& session) {
        ++(session.source.address.is_v4() ? count.ipv4 : count.ipv6);
        return true;
    }));
    return count;
}

Result<SessionCount> flush_sessions(const Datapath& datapath, const SessionFilter& filter) {
    SL_TRY(reader, SessionReader::make(datapath));
    SL_TRY(ipv4, flush_matching(datapath.maps().flows4, reader, filter));
    SL_TRY(ipv6, flush_matching(datapath.maps().flows6, reader, filter));
    return SessionCount{ipv4, ipv6};
}

Result<> flush_pool(const Datapath& datapath, std::uint16_t pool) {
    return flush_where(datapath.maps().flows4, [&](const sl_key4&, const sl_flow& flow) {
        return (flow.flags & SL_FLOW_BOUND) != 0 && flow.pool == pool;
    });
}

Result<> flush_port(const Datapath& datapath, std::uint16_t port_id) {
    const auto entered_there = [&](const auto&, const sl_flow& flow) {
        return flow.in_port == port_id;
    };
    SL_CHECK(flush_where(datapath.maps().flows4, entered_there));
    return flush_where(datapath.maps().flows6, entered_there);
}

Result<> flush_destinations(
    const Datapath& datapath,
    const std::function<bool(const Address&, __be16 port, std::uint8_t protocol)>& is_it) {
    return flush_where(datapath.maps().flows4, [&](const sl_key4& key, const sl_flow&) {
        return is_it(Address::v4(key.daddr), key.dport, key.proto);
    });
}

}  // namespace sluice
