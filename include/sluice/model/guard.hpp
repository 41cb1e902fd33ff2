// SPDX-License-Identifier: GPL-2.0-or-later
// Guards: what may enter by a port.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// What may enter by a port (and what is delivered to it); the MACs and addresses of the port's
/// leases come on top of those that stand here.
struct GuardSpec {
    std::string port;  ///< interface name
    bool mac = true, ip = true, arp = true, nd = true;
    bool ra_block = true, dhcp_server_block = true, dhcp_client = true;
    bool ethertype = true, tags = true, fragments = true;
    bool snoop = false;            ///< addresses from the real DHCP server's answers
    bool mac_change = false;       ///< one other source MAC at a time
    bool unknown_unicast = false;  ///< deliver unicast frames for other MACs too
    bool audit = false;
    std::uint16_t learn = 0;       ///< other source MACs accepted at a time, 0..1024
    std::uint16_t dhcp_rate = 10;  ///< requests a second, 1..65535
    std::vector<MacAddress> macs;
    std::vector<Prefix> addresses;
    std::vector<std::uint16_t> ethertypes;  ///< host order, at most SL_GUARD_ETHERTYPES
    bool operator==(const GuardSpec&) const = default;
};

}  // namespace sluice
