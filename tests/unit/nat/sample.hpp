// SPDX-License-Identifier: GPL-2.0-or-later
// NAT rules of one line each, for several tests.
#pragma once

#include <netinet/in.h>

#include "sluice/model/nat.hpp"

namespace sluice::sample {

inline MasqueradeSpec planned_masquerade(const char* source, PortRange ports = {1024, 65535}) {
    MasqueradeSpec rule;
    rule.source = *Prefix::parse(source);
    rule.uplink = "eth0";
    rule.ports = ports;
    return rule;
}

inline ForwardSpec planned_forward(const char* external, const char* internal) {
    return {IPPROTO_TCP, *Endpoint::parse(external), *Endpoint::parse(internal)};
}

}  // namespace sluice::sample
