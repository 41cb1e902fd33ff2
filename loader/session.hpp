// Live sessions: read from sl_flows4 and sl_flows6, one row for both directions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "loader/filter.hpp"
#include "loader/kernel/datapath.hpp"
#include "sluice/net.hpp"

namespace sluice {

enum class SessionState : std::uint8_t {
    unreplied,  ///< UDP, ICMP, others: packets one way only
    replied,
    syn_sent,      ///< TCP: the initiator's SYN alone
    syn_received,  ///< answered, not yet acknowledged by both
    established,
    closing,  ///< a FIN was seen
    closed,   ///< FINs from both, or a RST
};
enum class NatKind : std::uint8_t { none, snat, dnat, hairpin };

[[nodiscard]] std::string_view session_state_text(SessionState state);
[[nodiscard]] std::string_view nat_kind_text(NatKind kind);

struct SocketAddress {
    Address address;
    std::uint16_t port = 0;  ///< host order; the echo identifier for ICMP; 0 = none
};

struct Traffic {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
};

/// Both directions of one conversation. Durations are seconds.
struct Session {
    std::uint8_t protocol = 0;
    std::uint16_t domain = 0;                                 ///< VLAN id, 0 = none
    SocketAddress source, destination;                        ///< as the initiator sends
    SocketAddress translated_source, translated_destination;  ///< as it leaves
    SessionState state = SessionState::unreplied;
    NatKind nat = NatKind::none;
    Traffic sent, received;  ///< by the initiator
    double age = 0, idle = 0, expires_in = 0;
    std::string_view in_port;  ///< name; empty if the port is gone
    bool flushed = false;      ///< to be removed within a second
};

using SessionFilter = Filter<Session>;

/// `src=10.0.0.0/8 proto=tcp …`: see session_filter_help().
[[nodiscard]] Result<SessionFilter> parse_session_filter(std::span<const std::string> terms);
[[nodiscard]] std::string session_filter_help();

/// @param seen what each direction has sent (enum sl_tcp_seen)
[[nodiscard]] SessionState tcp_state(std::uint8_t original_seen, std::uint8_t reply_seen);

struct SessionCount {
    std::uint64_t ipv4 = 0;
    std::uint64_t ipv6 = 0;
};

/// @return false to stop
using SessionVisitor = std::function<bool(const Session&)>;

/// Walks all sessions in constant memory. Those made or ended meanwhile may be missed.
[[nodiscard]] Result<> for_each_session(const Datapath& datapath, const SessionFilter& filter,
                                        const SessionVisitor& visit);

/// Without filter it reads one number.
[[nodiscard]] Result<SessionCount> count_sessions(const Datapath& datapath,
                                                  const SessionFilter& filter);

/// Marks them for the sweeper, which removes them within about a second.
/// @return how many
[[nodiscard]] Result<SessionCount> flush_sessions(const Datapath& datapath,
                                                  const SessionFilter& filter);

/// The same by what the flow entry itself says, for the loader's own purposes.
[[nodiscard]] Result<> flush_pool(const Datapath& datapath, std::uint16_t pool);
[[nodiscard]] Result<> flush_port(const Datapath& datapath, std::uint16_t port_id);
[[nodiscard]] Result<> flush_destinations(
    const Datapath& datapath,
    const std::function<bool(const Address&, __be16 port, std::uint8_t protocol)>& is_it);

}  // namespace sluice
