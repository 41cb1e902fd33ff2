// SPDX-License-Identifier: GPL-2.0-or-later
// Ports and policies for several tests.
#pragma once

#include <string>
#include <vector>

#include "loader/policy/file.hpp"
#include "sluice/model/port.hpp"

namespace sluice::sample {

inline const std::vector<PortSpec> two_ports{{.name = "tap0", .vlans = {}, .id = 3},
                                             {.name = "eth0", .vlans = {}, .id = 9}};

inline PolicyFile policy_of(const std::string& rules) {
    return parse_policy_file("network-policy:\n" + rules, "p").value();
}

}  // namespace sluice::sample
