// SPDX-License-Identifier: GPL-2.0-or-later
// A flow as `policy test` takes it: src=10.0.0.5 dst=192.168.1.1 proto=tcp dport=3306 in=tap0.
#pragma once

#include <span>
#include <string>

#include "loader/policy/judge.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// KEY=VALUE terms, each key once; src and dst are needed. @param ports of the instance
/// Errors: usage, not_found (a port that the instance has not).
[[nodiscard]] Result<PolicyPacket> parse_policy_flow(std::span<const std::string> terms,
                                                     std::span<const PortSpec> ports);
[[nodiscard]] std::string policy_flow_help();  ///< the keys, a line each

}  // namespace sluice
