// SPDX-License-Identifier: GPL-2.0-or-later
// Sessions out of the two entries that the datapath keeps of each: for loader/flow/session.cpp.
#pragma once

#include <netinet/in.h>

#include <algorithm>

#include "loader/base/clock.hpp"
#include "loader/flow/session.hpp"
#include "sluice/abi/session.h"

namespace sluice {

inline double seconds_of_ticks(std::uint32_t ticks) {
    return static_cast<double>(ticks) * (1ull << SL_TICK_SHIFT) / 1e9;
}

inline Address source(const sl_key4& key) { return Address::v4(key.saddr); }
inline Address source(const sl_key6& key) { return Address(key.saddr); }
inline Address destination(const sl_key4& key) { return Address::v4(key.daddr); }
inline Address destination(const sl_key6& key) { return Address(key.daddr); }
inline Address translated_source(const sl_key4&, const sl_flow& flow) {
    return Address::v4(flow.saddr);
}
inline Address translated_source(const sl_key6& key, const sl_flow&) { return source(key); }
inline Address translated_destination(const sl_key4&, const sl_flow& flow) {
    return Address::v4(flow.daddr);
}
inline Address translated_destination(const sl_key6& key, const sl_flow&) {
    return destination(key);
}

/// The key of the other direction: what answers the packet as it leaves.
inline sl_key4 reply_key(const sl_key4& key, const sl_flow& flow) {
    sl_key4 reply{};
    sl_answer_key4(&key, &flow, &reply);
    return reply;
}
inline sl_key6 reply_key(const sl_key6& key, const sl_flow& flow) {
    sl_key6 reply{};
    sl_answer_key6(&key, &flow, &reply);
    return reply;
}

inline NatKind nat_kind(const sl_flow& flow) {
    const bool snat = (flow.flags & SL_FLOW_SNAT) != 0;
    const bool dnat = (flow.flags & SL_FLOW_DNAT) != 0;
    if (snat && dnat) return NatKind::hairpin;
    if (snat) return NatKind::snat;
    return dnat ? NatKind::dnat : NatKind::none;
}

inline SessionState state_of(std::uint8_t protocol, const sl_flow& original, const sl_flow& reply) {
    if (protocol == IPPROTO_TCP) return tcp_state(original, reply);
    return reply.packets > 0 ? SessionState::replied : SessionState::unreplied;
}

inline bool is_original(const sl_flow& flow) { return (flow.flags & SL_FLOW_ORIG) != 0; }

/// Forms sessions out of flow entries.
class SessionReader {
public:
    SessionReader(const sl_settings& settings, const SessionNames& names, SessionScope scope)
        : settings_(settings), names_(names), scope_(scope) {}

    template <class Key>
    [[nodiscard]] bool covers(const Key& key) const {
        return scope_ == SessionScope::all || key.kind == SL_KIND_ROUTED;
    }

    /// @param reply the other direction; zero while it has no entry
    template <class Key>
    Session form(const FlowEntry<Key>& entry, const sl_flow& reply) const {
        const auto& [key, flow, birth] = entry;
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
        session.dscp = birth.dscp;
        session.sent_flags = flow.tcp_seen;
        session.received_flags = reply.tcp_seen;
        if (key.proto == IPPROTO_TCP && (flow.tcp_seen & SL_TCP_ACK) != 0)
            session.handshake = birth.handshake / 1e6;
        session.flushed = (flow.flags & SL_FLOW_FLUSH) != 0;
        set_ports(session, flow, reply, key.kind == SL_KIND_COUNTED);
        set_verdict(session, flow);
        set_times(session, flow, reply, birth.created);
        return session;
    }

private:
    /// The port that answers enter by is the one that the packets leave by.
    void set_ports(Session& session, const sl_flow& flow, const sl_flow& reply,
                   bool counted) const {
        const auto* in = name_of(flow.in_port);
        const auto* out = name_of(reply.in_port);
        if (in != nullptr) {
            session.in_port = in->port;
            session.vm = in->vm;
        }
        if (out != nullptr) {
            session.out_port = out->port;
            session.peer_vm = out->vm;
        }
        if (counted) session.path = path_between(in, out);
    }

    void set_verdict(Session& session, const sl_flow& flow) const {
        if (!names_.rules) return;
        const bool denied = (flow.flags & SL_FLOW_DENIED) != 0;
        session.verdict = denied ? FlowVerdict::deny : FlowVerdict::allow;
        if (flow.rule != 0 && flow.rule <= names_.rules->size())
            session.rule = (*names_.rules)[flow.rule - 1];
    }

    [[nodiscard]] const SessionNames::PortName* name_of(std::uint16_t port) const {
        const auto found = names_.ports.find(port);
        return found == names_.ports.end() ? nullptr : &found->second;
    }

    /// Without a second port a switched frame went to many; any other was from or for the host.
    static FlowPath path_between(const SessionNames::PortName* in,
                                 const SessionNames::PortName* out) {
        const auto switched = [](const SessionNames::PortName* port) {
            return port == nullptr || (port->switched && !port->internal);
        };
        if (in != nullptr && in->switched)
            return switched(in) && switched(out) ? FlowPath::switched : FlowPath::local;
        return in != nullptr && out != nullptr ? FlowPath::switched : FlowPath::local;
    }

    /// Ticks wrap: the later of two is the one that lies less far back.
    void set_times(Session& session, const sl_flow& flow, const sl_flow& reply,
                   std::uint32_t created) const {
        std::uint32_t idle = now_ - flow.last_seen;
        if (reply.packets > 0) idle = std::min(idle, now_ - reply.last_seen);
        if (idle > 1u << 31) idle = 0;  // a packet since we looked at the clock
        const auto timeout = sl_session_timeout(&settings_, session.protocol, &flow, &reply);
        session.idle = seconds_of_ticks(idle);
        // The unit is coarse: a session is never younger than its last packet.
        session.age = std::max(session.idle, static_cast<double>(now_created_ - created) *
                                                 (1ull << SL_CREATED_SHIFT) / 1e9);
        session.expires_in = idle < timeout ? seconds_of_ticks(timeout - idle) : 0;
    }

    const sl_settings& settings_;
    const SessionNames& names_;
    SessionScope scope_;
    std::uint32_t now_ = now_tick();
    std::uint32_t now_created_ = static_cast<std::uint32_t>(now_monotonic() >> SL_CREATED_SHIFT);
};

}  // namespace sluice
