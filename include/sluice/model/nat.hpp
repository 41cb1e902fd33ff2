// SPDX-License-Identifier: GPL-2.0-or-later
// NAT: masqueraded networks and forwarded ports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

struct MasqueradeSpec {
    Prefix source;
    std::string uplink;              ///< interface name
    std::vector<Address> addresses;  ///< as asked; empty = the uplink's own, followed as it changes
    PortRange ports{1024, 65535};
    std::uint16_t pool = 0;  ///< index into sl_pools, given by the database
    bool operator==(const MasqueradeSpec&) const = default;
};

struct ForwardSpec {
    std::uint8_t protocol = 0;  ///< IPPROTO_TCP or IPPROTO_UDP
    Endpoint external;
    Endpoint internal;  ///< as many ports as external
    bool operator==(const ForwardSpec&) const = default;
};

}  // namespace sluice
