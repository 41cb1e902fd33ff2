// SPDX-License-Identifier: GPL-2.0-or-later
#include <cmath>

#include "cli/view/views.hpp"
#include "sluice/dscp.hpp"

namespace sluice::cli {
namespace {

Json socket_json(const SocketAddress& socket) {
    return {{"address", socket.address.text()}, {"port", socket.port}};
}

Json traffic_json(const Traffic& traffic) {
    return {{"packets", traffic.packets}, {"bytes", traffic.bytes}};
}

/// Milliseconds are what the ticks can tell.
double thousandths(double seconds) { return std::round(seconds * 1000) / 1000; }

Json flags_json(std::uint8_t seen) {
    Json names = Json::array();
    for (const auto& [flag, name] : {std::pair{SL_TCP_SYN, "syn"},
                                     {SL_TCP_ACK, "ack"},
                                     {SL_TCP_FIN, "fin"},
                                     {SL_TCP_RST, "rst"}})
        if ((seen & flag) != 0) names.push_back(name);
    return names;
}

Json name_or_null(std::string_view name) { return name.empty() ? Json(nullptr) : Json(name); }

}  // namespace

/// Widths for IPv4 with ports of five digits: an IPv6 line is longer, and still readable.
Stream session_stream() {
    constexpr std::size_t endpoint_width = 21;
    return {"sluice.nat.session.list/1",
            "sessions",
            {{"PROTO", "/protocol", Format::plain, 5},
             {"SOURCE", "/source", Format::endpoint, endpoint_width},
             {"DESTINATION", "/destination", Format::endpoint, endpoint_width},
             {"TRANSLATED TO", "", Format::translation, endpoint_width + 5},
             {"STATE", "/state", Format::plain, 11},
             {"IN", "/in_port", Format::plain, 8},
             {"SENT", "/sent/packets", Format::count, 7},
             {"BYTES", "/sent/bytes", Format::bytes, 7},
             {"RECEIVED", "/received/packets", Format::count, 8},
             {"BYTES", "/received/bytes", Format::bytes, 7},
             {"IDLE", "/idle", Format::duration, 5},
             {"EXPIRES", "/expires_in", Format::duration, 7}},
            "no sessions"};
}

Json session_json(const Session& session) {
    return {{"family", session.source.address.is_v4() ? "ipv4" : "ipv6"},
            {"protocol", protocol_text(session.protocol)},
            {"vlan", session.domain == 0 ? Json(nullptr) : Json(session.domain)},
            {"source", socket_json(session.source)},
            {"destination", socket_json(session.destination)},
            {"translated_source", socket_json(session.translated_source)},
            {"translated_destination", socket_json(session.translated_destination)},
            {"nat", nat_kind_text(session.nat)},
            {"state", session_state_text(session.state)},
            {"path", flow_path_text(session.path)},
            {"in_port", session.in_port},
            {"out_port", name_or_null(session.out_port)},
            {"vm", name_or_null(session.vm)},
            {"peer_vm", name_or_null(session.peer_vm)},
            {"dscp", dscp_text(session.dscp)},
            {"sent", traffic_json(session.sent)},
            {"received", traffic_json(session.received)},
            {"sent_flags", flags_json(session.sent_flags)},
            {"received_flags", flags_json(session.received_flags)},
            {"handshake", session.handshake == 0 ? Json(nullptr) : Json(session.handshake)},
            {"age", thousandths(session.age)},
            {"idle", thousandths(session.idle)},
            {"expires_in", thousandths(session.expires_in)},
            {"verdict", name_or_null(flow_verdict_text(session.verdict))},
            {"rule", name_or_null(session.rule)},
            {"flushed", session.flushed}};
}

Document session_count_view(const std::string& schema, const SessionCount& count,
                            const std::string& text) {
    return {schema,
            {{"ipv4", count.ipv4}, {"ipv6", count.ipv6}, {"sessions", count.ipv4 + count.ipv6}},
            {Note{text}},
            {}};
}

}  // namespace sluice::cli
