// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/flow/eve.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <utility>

#include "sluice/dscp.hpp"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

/// 2026-11-23T09:00:00.000000+0000
std::string eve_time(WallTime time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto rest = std::chrono::duration_cast<std::chrono::microseconds>(time - seconds);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}+0000",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)), rest.count());
}

WallTime before(WallTime time, double seconds) {
    return time - std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::duration<double>(seconds));
}

std::string eve_protocol(std::uint8_t protocol) {
    switch (protocol) {
        case IPPROTO_TCP:
            return "TCP";
        case IPPROTO_UDP:
            return "UDP";
        case IPPROTO_ICMP:
            return "ICMP";
        case IPPROTO_ICMPV6:
            return "IPv6-ICMP";
        default:
            return fmt::format("{:03}", protocol);
    }
}

/// Suricata knows three states of a flow.
std::string_view eve_state(SessionState state) {
    switch (state) {
        case SessionState::unreplied:
        case SessionState::syn_sent:
        case SessionState::syn_received:
            return "new";
        case SessionState::closing:
        case SessionState::closed:
            return "closed";
        default:
            return "established";
    }
}

/// TCP's flags as one byte, as in the header (RFC 9293 section 3.1).
unsigned tcp_header_flags(std::uint8_t seen) {
    unsigned flags = 0;
    if ((seen & SL_TCP_FIN) != 0) flags |= 0x01;
    if ((seen & SL_TCP_SYN) != 0) flags |= 0x02;
    if ((seen & SL_TCP_RST) != 0) flags |= 0x04;
    if ((seen & SL_TCP_ACK) != 0) flags |= 0x10;
    return flags;
}

Json eve_tcp(const Session& session) {
    const auto to_server = tcp_header_flags(session.sent_flags);
    const auto to_client = tcp_header_flags(session.received_flags);
    Json tcp{{"tcp_flags", fmt::format("{:02x}", to_server | to_client)},
             {"tcp_flags_ts", fmt::format("{:02x}", to_server)},
             {"tcp_flags_tc", fmt::format("{:02x}", to_client)}};
    const std::uint8_t either = session.sent_flags | session.received_flags;
    for (const auto& [flag, name] : {std::pair{SL_TCP_SYN, "syn"},
                                     {SL_TCP_FIN, "fin"},
                                     {SL_TCP_RST, "rst"},
                                     {SL_TCP_ACK, "ack"}})
        if ((either & flag) != 0) tcp[name] = true;
    tcp["state"] = session_state_text(session.state);
    return tcp;
}

Json own_fields(const Session& session) {
    const auto text = [](std::string_view name) {
        return name.empty() ? Json(nullptr) : Json(name);
    };
    Json own{{"vm", text(session.vm)},
             {"peer_vm", text(session.peer_vm)},
             {"path", flow_path_text(session.path)},
             {"nat", nat_kind_text(session.nat)},
             {"dscp", dscp_text(session.dscp)}};
    if (session.nat != NatKind::none) {
        own["translated_src_ip"] = session.translated_source.address.text();
        own["translated_src_port"] = session.translated_source.port;
        own["translated_dest_ip"] = session.translated_destination.address.text();
        own["translated_dest_port"] = session.translated_destination.port;
    }
    if (session.handshake != 0) own["handshake"] = session.handshake;
    return own;
}

Result<int> open_for_append(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0) return fd;
    return fail_errno(errno, "opening " + path, "give the path of a file that may be written");
}

}  // namespace

nlohmann::ordered_json eve_flow(const FlowRecord& record) {
    const auto& session = record.session;
    const bool has_ports = session.protocol == IPPROTO_TCP || session.protocol == IPPROTO_UDP;
    const auto end = before(record.time, session.idle);
    Json eve{{"timestamp", eve_time(record.time)}, {"event_type", "flow"}};
    if (!session.in_port.empty()) eve["in_iface"] = session.in_port;
    if (session.domain != 0) eve["vlan"] = Json::array({session.domain});
    eve["src_ip"] = session.source.address.text();
    if (has_ports) eve["src_port"] = session.source.port;
    eve["dest_ip"] = session.destination.address.text();
    if (has_ports) eve["dest_port"] = session.destination.port;
    eve["proto"] = eve_protocol(session.protocol);
    eve["flow"] = {{"pkts_toserver", session.sent.packets},
                   {"pkts_toclient", session.received.packets},
                   {"bytes_toserver", session.sent.bytes},
                   {"bytes_toclient", session.received.bytes},
                   {"start", eve_time(before(record.time, session.age))},
                   {"end", eve_time(end)},
                   {"age", static_cast<std::uint64_t>(session.age)},
                   {"state", eve_state(session.state)},
                   {"reason", session.flushed ? "forced" : "timeout"},
                   {"alerted", false}};
    if (session.protocol == IPPROTO_TCP) eve["tcp"] = eve_tcp(session);
    eve["sluice"] = own_fields(session);
    return eve;
}

EveFile::EveFile(EveFile&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

EveFile::~EveFile() {
    if (fd_ >= 0 && fd_ != STDOUT_FILENO) ::close(fd_);
}

Result<EveFile> EveFile::open(const std::string& path) {
    if (path == "-") return EveFile(path, STDOUT_FILENO);
    SL_TRY(fd, open_for_append(path));
    return EveFile(path, fd);
}

Result<> EveFile::follow_path() {
    if (fd_ == STDOUT_FILENO) return {};
    struct stat ours{}, there{};
    if (::fstat(fd_, &ours) == 0 && ::stat(path_.c_str(), &there) == 0 &&
        ours.st_ino == there.st_ino && ours.st_dev == there.st_dev)
        return {};
    SL_TRY(fd, open_for_append(path_));
    ::close(std::exchange(fd_, fd));
    return {};
}

Result<> EveFile::append(const std::string& lines) {
    SL_CHECK(follow_path());
    std::string_view rest = lines;
    while (!rest.empty()) {
        const auto written = ::write(fd_, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno(errno, "writing " + path_, "is there room left?");
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace sluice
