#include "loader/session.hpp"

#include <sys/socket.h>

#include <map>

#include "loader/session_reader.hpp"

namespace sluice {
namespace {

/// @param visit bool(const Key&, const sl_flow&, const Session&)
template <class Key, class Visit>
Result<> walk(const Map<Key, sl_flow>& flows, const SessionReader& reader,
              const SessionFilter& filter, Visit&& visit) {
    Result<> failure;
    SL_CHECK(flows.for_each([&](const Key& key, const sl_flow& flow) {
        if (!is_original(flow) || !reader.covers(flow)) return true;
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

std::string_view flow_path_text(FlowPath path) {
    switch (path) {
        case FlowPath::routed:
            return "routed";
        case FlowPath::switched:
            return "switched";
        case FlowPath::local:
            return "local";
    }
    return "";
}

std::string_view flow_verdict_text(FlowVerdict verdict) {
    switch (verdict) {
        case FlowVerdict::none:
            break;
        case FlowVerdict::allow:
            return "allow";
        case FlowVerdict::deny:
            return "deny";
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

Result<SessionNames> SessionNames::read(const Target& target, const Datapath& datapath) {
    SL_TRY(instance, open_instance(target));
    SessionNames names;
    SL_CHECK(datapath.maps().ports.for_each([&](const __u32&, const sl_port& entry) {
        names.ports[entry.id].switched = (entry.flags & SL_PORT_SWITCHED) != 0;
        return true;
    }));
    names.ports.erase(0);  // segments
    if (const auto& policy = instance.desired.policy) names.rules = policy->rules;
    std::map<std::string_view, std::vector<std::string_view>> vms;
    for (const auto& it : instance.desired.vm_ports) vms[it.port].push_back(it.vm);
    for (const auto& port : instance.desired.ports) {
        auto& name = names.ports[port.id];
        name.port = port.name;
        name.internal = port.role == Role::internal;
        if (const auto at = vms.find(port.name); at != vms.end() && at->second.size() == 1)
            name.vm = at->second.front();
    }
    return names;
}

Result<SessionTable> SessionTable::open(const Target& target, SessionScope scope) {
    SL_TRY(datapath, open_datapath(target));
    SL_TRY(names, SessionNames::read(target, datapath));
    SL_TRY(settings, datapath.maps().settings.lookup(0));
    return SessionTable(std::move(datapath), std::move(names), scope,
                        settings.value_or(sl_settings{}));
}

Result<> SessionTable::read_names(const Target& target) {
    SL_TRY(names, SessionNames::read(target, datapath_));
    names_ = std::move(names);
    return {};
}

Result<> SessionTable::for_each(const SessionFilter& filter, const SessionVisitor& visit) const {
    const SessionReader reader(settings_, names_, scope_);
    bool more = true;
    const auto one = [&](const auto&, const sl_flow&, const Session& session) {
        return more = visit(session);
    };
    SL_CHECK(walk(datapath_.maps().flows4, reader, filter, one));
    if (more) SL_CHECK(walk(datapath_.maps().flows6, reader, filter, one));
    return {};
}

Result<SessionCount> SessionTable::count(const SessionFilter& filter) const {
    SessionCount count;
    if (filter.empty()) {
        SL_TRY(found, datapath_.maps().live.lookup(0));
        const auto live = found.value_or(sl_live{});
        if (scope_ == SessionScope::all) return SessionCount{live.sessions4, live.sessions6};
        return SessionCount{live.sessions4 - live.tracked4, live.sessions6 - live.tracked6};
    }
    SL_CHECK(for_each(filter, [&](const Session& session) {
        ++(session.source.address.is_v4() ? count.ipv4 : count.ipv6);
        return true;
    }));
    return count;
}

Result<SessionCount> SessionTable::flush(const SessionFilter& filter) const {
    const SessionReader reader(settings_, names_, scope_);
    SL_TRY(ipv4, flush_matching(datapath_.maps().flows4, reader, filter));
    SL_TRY(ipv6, flush_matching(datapath_.maps().flows6, reader, filter));
    return SessionCount{ipv4, ipv6};
}

Session SessionTable::form(const sl_flow_record& record) const {
    const SessionReader reader(settings_, names_, scope_);
    if (record.family == AF_INET) return reader.form(record.key.v4, record.flow, record.reverse);
    return reader.form(record.key.v6, record.flow, record.reverse);
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
