// SPDX-License-Identifier: GPL-2.0-or-later
// A policy with its names resolved: what the datapath is told.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "loader/policy/file.hpp"
#include "sluice/model/policy.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// Who may be at an end of a session: any of the prefixes, or whoever is at one of the ports.
struct PolicyEnd {
    bool any = true;  ///< everybody; else without prefixes and ports nobody
    std::vector<Prefix> prefixes = {};
    std::vector<std::uint16_t> ports = {};  ///< ids
};

/// A rule, or a default. What is empty asks for nothing.
struct ResolvedRule {
    std::string name;  ///< of a default empty
    PolicyAction action = PolicyAction::allow;
    PolicyEnd source = {}, destination = {};
    std::vector<std::uint8_t> protocols = {};
    std::vector<PortRange> ports = {}, source_ports = {};
    std::vector<IcmpType> icmp_types = {};
    std::vector<PortRange> vlans = {};
    std::vector<MacAddress> source_macs = {};
    std::int64_t expires = 0;  ///< CLOCK_REALTIME, ms; 0 = never
};

struct ResolvedPolicy {
    std::vector<ResolvedRule> rules = {};
    std::vector<ResolvedRule> out_defaults = {};  ///< of what leaves their source
    std::vector<ResolvedRule> in_defaults = {};   ///< of what goes to their destination
};

/// A VM that has no lease, and a port that the instance has not, is nobody.
/// @param spec its VMs, and the time it was loaded
[[nodiscard]] ResolvedPolicy resolve_policy(const PolicyFile& file, const PolicySpec& spec,
                                            std::span<const PortSpec> ports);

}  // namespace sluice
