// SPDX-License-Identifier: GPL-2.0-or-later
// Ports that the host's own sockets use: NAT must never hand out one of them.
#pragma once

#include <cstdint>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// One local end of a socket of the current network namespace.
struct LocalPort {
    std::uint8_t protocol = 0;  ///< IPPROTO_TCP, IPPROTO_UDP or IPPROTO_ICMP (ping sockets)
    Address address;            ///< as bound: 0.0.0.0 and :: mean every address
    std::uint16_t port = 0;     ///< host order; the echo identifier for ICMP

    /// Whether a packet to `local` could be this socket's. `::` counts for IPv4 too:
    /// whether the socket is IPv6-only can't be seen from outside.
    [[nodiscard]] bool covers(const Address& local) const;
    auto operator<=>(const LocalPort&) const = default;
};

/// Listening, connected and waiting ones; port 0 left out; sorted, each once.
[[nodiscard]] Result<std::vector<LocalPort>> list_local_ports();

/// net.ipv4.ip_local_port_range: what connect() and bind(0) draw from.
[[nodiscard]] Result<PortRange> ephemeral_ports();

}  // namespace sluice
