// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/flow/session.hpp"

#include <sys/socket.h>

#include <map>

#include "loader/flow/session_reader.hpp"
#include "loader/flow/words.hpp"

namespace sluice {
namespace {

/// @param visit bool(const FlowEntry<Key>&, const Session&)
template <class Key, class Visit>
void walk(const FlowTable<Key>& flows, const SessionReader& reader, const SessionFilter& filter,
          Visit&& visit) {
    flows.for_each([&](const FlowEntry<Key>& entry) {
        if (!is_original(entry.flow) || !reader.covers(entry.key)) return true;
        const auto reply = flows.lookup(reply_key(entry.key, entry.flow));
        const auto session = reader.form(entry, reply ? reply->flow : sl_flow{});
        return !filter.matches(session) || visit(entry, session);
    });
}

/// Marks the entries for the sweeper. @param is_it bool(const FlowEntry<Key>&)
template <class Key, class IsIt>
void flush_where(const FlowTable<Key>& flows, IsIt&& is_it) {
    flows.for_each([&](const FlowEntry<Key>& entry) {
        if (is_original(entry.flow) && is_it(entry)) flows.mark(entry.key, SL_FLOW_FLUSH);
        return true;
    });
}

template <class Key>
std::uint64_t flush_matching(const FlowTable<Key>& flows, const SessionReader& reader,
                             const SessionFilter& filter) {
    std::uint64_t count = 0;
    walk(flows, reader, filter, [&](const FlowEntry<Key>& entry, const Session&) {
        count += flows.mark(entry.key, SL_FLOW_FLUSH);
        return true;
    });
    return count;
}

}  // namespace

std::string_view session_state_text(SessionState state) { return word_of(state, session_states); }

std::string_view nat_kind_text(NatKind kind) { return word_of(kind, nat_kinds); }

std::string_view flow_path_text(FlowPath path) { return word_of(path, flow_paths); }

std::string_view flow_verdict_text(FlowVerdict verdict) {
    return verdict == FlowVerdict::none ? "" : word_of(verdict, flow_verdicts);
}

SessionState tcp_state(const sl_flow& original, const sl_flow& reply) {
    using enum SessionState;
    const std::uint8_t both = original.tcp_seen & reply.tcp_seen;
    const std::uint8_t either = original.tcp_seen | reply.tcp_seen;
    if (sl_tcp_is_finished(&original, &reply) || sl_tcp_is_reset(&original, &reply)) return closed;
    if ((both & SL_TCP_ACK) != 0) return (either & SL_TCP_FIN) != 0 ? closing : established;
    if (reply.tcp_seen != 0) return syn_received;
    // Without a SYN it is the middle of a conversation that began before we looked.
    return (original.tcp_seen & SL_TCP_SYN) != 0 ? syn_sent : unreplied;
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
    SL_TRY(flows4, datapath.flows4());
    SL_TRY(flows6, datapath.flows6());
    return SessionTable(std::move(datapath), std::move(flows4), std::move(flows6), std::move(names),
                        scope, settings.value_or(sl_settings{}));
}

Result<> SessionTable::read_names(const Target& target) {
    SL_TRY(names, SessionNames::read(target, datapath_));
    names_ = std::move(names);
    return {};
}

void SessionTable::for_each(const SessionFilter& filter, const SessionVisitor& visit) const {
    const SessionReader reader(settings_, names_, scope_);
    bool more = true;
    const auto one = [&](const auto&, const Session& session) { return more = visit(session); };
    walk(flows4_, reader, filter, one);
    if (more) walk(flows6_, reader, filter, one);
}

Result<SessionCount> SessionTable::count(const SessionFilter& filter) const {
    SessionCount count;
    if (filter.empty()) {
        SL_TRY(found, datapath_.maps().live.lookup(0));
        const auto live = found.value_or(sl_live{});
        if (scope_ == SessionScope::all) return SessionCount{live.sessions4, live.sessions6};
        return SessionCount{live.sessions4 - live.tracked4, live.sessions6 - live.tracked6};
    }
    for_each(filter, [&](const Session& session) {
        ++(session.source.address.is_v4() ? count.ipv4 : count.ipv6);
        return true;
    });
    return count;
}

SessionCount SessionTable::flush(const SessionFilter& filter) const {
    const SessionReader reader(settings_, names_, scope_);
    return {flush_matching(flows4_, reader, filter), flush_matching(flows6_, reader, filter)};
}

Session SessionTable::form(const sl_flow_record& record) const {
    const SessionReader reader(settings_, names_, scope_);
    if (record.family == AF_INET)
        return reader.form(FlowEntry{record.key.v4, record.flow, record.birth}, record.reverse);
    return reader.form(FlowEntry{record.key.v6, record.flow, record.birth}, record.reverse);
}

Result<> flush_pool(const Datapath& datapath, std::uint16_t pool) {
    SL_TRY(flows, datapath.flows4());
    flush_where(flows, [&](const FlowEntry<sl_key4>& entry) {
        return (entry.flow.flags & SL_FLOW_BOUND) != 0 && entry.flow.pool == pool;
    });
    return {};
}

Result<> flush_port(const Datapath& datapath, std::uint16_t port_id) {
    const auto entered_there = [&](const auto& entry) { return entry.flow.in_port == port_id; };
    SL_TRY(flows4, datapath.flows4());
    SL_TRY(flows6, datapath.flows6());
    flush_where(flows4, entered_there);
    flush_where(flows6, entered_there);
    return {};
}

Result<> flush_destinations(
    const Datapath& datapath,
    const std::function<bool(const Address&, __be16 port, std::uint8_t protocol)>& is_it) {
    SL_TRY(flows, datapath.flows4());
    flush_where(flows, [&](const FlowEntry<sl_key4>& entry) {
        return is_it(Address::v4(entry.key.daddr), entry.key.dport, entry.key.proto);
    });
    return {};
}

}  // namespace sluice
