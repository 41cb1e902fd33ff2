// SPDX-License-Identifier: GPL-2.0-or-later
// What the NAT rules mean on this host: decided from the desired state and one picture of the
// host, touching nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "loader/base/by_bytes.hpp"
#include "loader/instance/host.hpp"
#include "loader/kernel/sockets.hpp"
#include "loader/nat/port_bits.hpp"
#include "sluice/abi/nat.h"
#include "sluice/model/state.hpp"

namespace sluice {

struct PlannedPool {
    std::vector<Address> addresses;
    PortRange ports;
};

using Forwards = std::map<sl_forward_key, sl_forward, ByBytes>;

struct NatPlan {
    std::map<std::uint16_t, PlannedPool> pools;
    std::map<sl_masq_key, std::uint32_t, ByBytes> masquerades;  ///< to the pool's number
    Forwards forwards;  ///< external endpoints, to the internal ones
    Forwards senders;   ///< internal endpoints at uplinks, to the external ones
    std::vector<std::string> warnings;
};

/// The addresses a rule translates to: as asked, or the uplink's first.
/// @param uplink ifindex of where the uplink's addresses are
[[nodiscard]] std::vector<Address> external_addresses(const MasqueradeSpec& rule, const Host& host,
                                                      std::uint32_t uplink);

[[nodiscard]] NatPlan plan_nat(const DesiredState& desired, const Host& host);

/// What the host keeps for itself on its own addresses.
struct HostPorts {
    PortRange ephemeral;  ///< what connect() and bind(0) draw from
    std::vector<LocalPort> sockets;

    [[nodiscard]] static Result<HostPorts> read();
};

/// The ports of one external address that a pool may hand out: its range without those of
/// forwards and those that the host uses or may draw.
[[nodiscard]] PortSet allowed_ports(const NatPlan& plan, const PlannedPool& pool,
                                    const Address& address, sl_l4 l4, const HostPorts& host_ports,
                                    bool local);

[[nodiscard]] std::uint8_t protocol_of(sl_l4 l4);
/// Nothing for a protocol without ports to translate.
[[nodiscard]] std::optional<sl_l4> l4_of(std::uint8_t protocol);
/// Index into sl_port_bits and sl_pool_stats.
[[nodiscard]] std::uint32_t port_space(std::uint32_t external, sl_l4 l4);

}  // namespace sluice
