// SPDX-License-Identifier: GPL-2.0-or-later
// The loader's side of sl_port_bits: which ports of an external address are for NAT to hand
// out. The datapath changes the same words at any time, so all changes here are atomic.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "loader/kernel/sockets.hpp"
#include "sluice/abi/nat.h"
#include "sluice/net.hpp"

namespace sluice {

/// A set of ports, or of ICMP echo identifiers.
using PortSet = std::bitset<65536>;

[[nodiscard]] PortSet port_set(const PortRange& range);

/// The ports of `address` that the host's own sockets use now.
[[nodiscard]] PortSet used_by_host(const std::vector<LocalPort>& sockets, const Address& address,
                                   std::uint8_t protocol);

/// Writes the content of a pool that nothing uses yet: all ports taken but those in `free`.
void fill_port_bits(sl_port_bits& bits, const PortSet& free);

/// @return whether it was free
bool take_port(sl_port_bits& bits, std::uint16_t port);
void give_port_back(sl_port_bits& bits, std::uint16_t port);

[[nodiscard]] PortSet taken_ports(const sl_port_bits& bits);

}  // namespace sluice
