// SPDX-License-Identifier: GPL-2.0-or-later
// Ports as they should be in the kernel, decided without one.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "loader/instance/host.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// A port whose interface is there, as it should be in the kernel.
struct PlannedPort {
    PortSpec spec;
    Link link;
    Link l3;          ///< where its IP addresses are: the bridge it is enslaved to, the host's
                      ///< end of an internal port, or itself
    bool switched;    ///< belongs to the switch
    bool xdp;         ///< run the XDP program too
    bool xdp_no_tcp;  ///< which leaves TCP to TC
    sl_port entry;    ///< without what attaching finds out, and what its guard adds
};

struct PortPlan {
    std::vector<PlannedPort> ports;
    std::map<std::uint32_t, sl_port> segments;  ///< bridges with ports of ours; by ifindex
    std::vector<std::string> absent;            ///< names of ports without an interface
    std::set<std::uint32_t> attached;           ///< Host::attached

    /// Whether sluice has to do with this very interface.
    [[nodiscard]] bool touches(std::string_view name, std::uint32_t ifindex) const;
};

/// Decides, touching nothing: hooks by policy, L3 interface, addresses for ICMP errors.
/// @param judged a policy is loaded: all ports are tracked
[[nodiscard]] PortPlan plan_ports(const std::vector<PortSpec>& ports, const Host& host,
                                  bool judged = false);

/// Whether frames may carry tags there.
[[nodiscard]] bool has_tags(const PortSpec& spec);

}  // namespace sluice
