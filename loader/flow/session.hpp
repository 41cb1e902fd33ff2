// SPDX-License-Identifier: GPL-2.0-or-later
// Live sessions: read from the flow tables, one row for both directions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "loader/base/filter.hpp"
#include "loader/instance/target.hpp"
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
/// What the policy says of it: nothing, since none is loaded or it was not asked yet.
enum class FlowVerdict : std::uint8_t { none, allow, deny };
enum class NatKind : std::uint8_t { none, snat, dnat, hairpin };
/// How its packets get from one end to the other. Local: one end is the host.
enum class FlowPath : std::uint8_t { routed, switched, local };

[[nodiscard]] std::string_view session_state_text(SessionState state);
[[nodiscard]] std::string_view nat_kind_text(NatKind kind);
[[nodiscard]] std::string_view flow_path_text(FlowPath path);
[[nodiscard]] std::string_view flow_verdict_text(FlowVerdict verdict);  ///< none: empty

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
    FlowPath path = FlowPath::routed;
    std::string_view in_port, out_port;  ///< names; empty: none (the host, or many), or it is gone
    std::string_view vm, peer_vm;        ///< at these ports; empty: none, or several
    std::uint8_t dscp = 0;               ///< of the packet that opened it
    std::uint8_t sent_flags = 0, received_flags = 0;  ///< enum sl_tcp_seen
    double handshake = 0;                             ///< TCP, SYN to first ACK; 0 = not seen
    FlowVerdict verdict = FlowVerdict::none;
    std::string_view rule;  ///< of the policy, that gave the verdict; empty: a default, or none
    bool flushed = false;   ///< to be removed within a second
};

using SessionFilter = Filter<Session>;

/// What a listing is about: with `nat`, only what sluice routes.
enum class SessionScope : std::uint8_t { all, nat };

/// `src=10.0.0.0/8 proto=tcp bytes>1mb …`: see session_filter_help().
[[nodiscard]] Result<SessionFilter> parse_session_filter(std::span<const std::string> terms);
[[nodiscard]] std::string session_filter_help();

/// Names for what flow entries have numbers of.
struct SessionNames {
    struct PortName {
        std::string port, vm;
        bool switched = false, internal = false;
    };
    std::map<std::uint16_t, PortName> ports;             ///< by id
    std::optional<std::vector<std::string>> rules = {};  ///< of the policy; none: none is loaded

    /// Reads the sessions of a running instance. Errors: not_found, refused (down).
    [[nodiscard]] static Result<SessionNames> read(const Target& target, const Datapath& datapath);
};

/// Follows from what each direction has sent, and which was heard last.
[[nodiscard]] SessionState tcp_state(const sl_flow& original, const sl_flow& reply);

struct SessionCount {
    std::uint64_t ipv4 = 0;
    std::uint64_t ipv6 = 0;
};

/// @return false to stop
using SessionVisitor = std::function<bool(const Session&)>;

/// Sessions of a running instance. Not thread-safe; needs no lock, and slows nobody down.
class SessionTable {
public:
    /// Errors: not_found (no instance), refused (down).
    [[nodiscard]] static Result<SessionTable> open(const Target& target, SessionScope scope);

    /// Walks all sessions in constant memory. Those made or ended meanwhile may be missed. What is
    /// visited holds names of this table.
    void for_each(const SessionFilter& filter, const SessionVisitor& visit) const;
    /// Without filter it reads one number.
    [[nodiscard]] Result<SessionCount> count(const SessionFilter& filter) const;
    /// Marks them for the sweeper, which removes them within about a second.
    /// @return how many
    SessionCount flush(const SessionFilter& filter) const;
    /// Forms the session of a record of sl_flow_log.
    [[nodiscard]] Session form(const sl_flow_record& record) const;

    [[nodiscard]] const Datapath& datapath() const { return datapath_; }
    /// Ports and VMs may have come since it was opened. What was visited before holds no name now.
    [[nodiscard]] Result<> read_names(const Target& target);

private:
    SessionTable(Datapath datapath, FlowTable<sl_key4> flows4, FlowTable<sl_key6> flows6,
                 SessionNames names, SessionScope scope, sl_settings settings)
        : datapath_(std::move(datapath)),
          flows4_(std::move(flows4)),
          flows6_(std::move(flows6)),
          names_(std::move(names)),
          scope_(scope),
          settings_(settings) {}

    Datapath datapath_;
    FlowTable<sl_key4> flows4_;
    FlowTable<sl_key6> flows6_;
    SessionNames names_;
    SessionScope scope_;
    sl_settings settings_;
};

/// The same by what the flow entry itself says, for the loader's own purposes.
[[nodiscard]] Result<> flush_pool(const Datapath& datapath, std::uint16_t pool);
[[nodiscard]] Result<> flush_port(const Datapath& datapath, std::uint16_t port_id);
[[nodiscard]] Result<> flush_destinations(
    const Datapath& datapath,
    const std::function<bool(const Address&, __be16 port, std::uint8_t protocol)>& is_it);

}  // namespace sluice
