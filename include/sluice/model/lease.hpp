// SPDX-License-Identifier: GPL-2.0-or-later
// What leases say of ports.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sluice/net.hpp"

namespace sluice {

/// A lease that belongs to a port: the guard's part of it.
struct PortLease {
    MacAddress mac;
    std::string port;      ///< interface name
    bool standby = false;  ///< may receive, but not send yet
    std::vector<Address> addresses;
    std::uint16_t domain = 0;  ///< L2 domain: VLAN id, 0 = none
    std::string vm = {};
    bool operator==(const PortLease&) const = default;
};

/// A VM at a port, as a lease says.
struct VmPort {
    std::string vm;
    std::string port;  ///< interface name
    bool operator==(const VmPort&) const = default;
};

}  // namespace sluice
