// SPDX-License-Identifier: GPL-2.0-or-later
// All that a monitoring system wants to know of a running instance, read at one time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "loader/guard/commands.hpp"
#include "loader/lease/commands.hpp"
#include "loader/monitor/counters.hpp"
#include "loader/monitor/status.hpp"
#include "loader/nat/commands.hpp"
#include "loader/qos/commands.hpp"
#include "loader/switch/commands.hpp"

namespace sluice {

struct PortLabels {
    std::string port;
    Role role = Role::access;
    std::string vm;  ///< empty: none, or several
};

/// Who sends most (loader/flow/talkers.hpp), with names.
struct NamedTalker {
    std::string port, vm, address;  ///< empty: none
    std::uint64_t bytes = 0;
};

struct Metrics {
    std::string netns;        ///< as given to `up`; empty = that of the host
    std::uint64_t since = 0;  ///< CLOCK_REALTIME, seconds
    Usage sessions4, sessions6, bindings;
    Usage macs;                ///< learned ones of the switch
    std::uint64_t events = 0;  ///< written so far, of which the ring has the newest SL_EVENTS
    std::vector<PortLabels> ports;
    std::vector<PortCounters> counters;
    std::vector<DropCounter> drops;  ///< one for each port and reason
    std::vector<GuardStatus> guards;
    std::vector<SwitchPortStatus> switch_ports;
    std::vector<QosPortStatus> qos_ports;
    std::vector<PoolStatus> nat_pools;
    std::vector<MacPoolStatus> mac_pools;
    std::vector<NamedTalker> talkers;  ///< greatest first
};

/// Enters the instance's network namespace. Errors: not_found, refused (down).
/// @param talkers at most so many; 0 saves the walk over the flow table
[[nodiscard]] Result<Metrics> read_metrics(const Target& target, std::size_t talkers);

}  // namespace sluice
