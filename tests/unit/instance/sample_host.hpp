// SPDX-License-Identifier: GPL-2.0-or-later
// A host with a bridge, taps and a NIC, and an instance on it, for tests of what is planned.
#pragma once

#include <string>
#include <utility>

#include "loader/instance/host.hpp"
#include "sluice/model/state.hpp"

namespace sluice::sample {

inline Link link(std::string name, std::uint32_t ifindex) {
    Link made;
    made.name = std::move(name);
    made.ifindex = ifindex;
    made.ethernet = made.up = made.carrier = true;
    made.mtu = 1500;
    made.mac.bytes = {2, 0, 0, 0, 0, static_cast<std::uint8_t>(ifindex)};
    return made;
}

inline InterfaceAddress address(std::uint32_t ifindex, const char* text) {
    return {ifindex, *Address::parse(text), 24, true, true};
}

/// tap0 in bridge br0, lone tap1, a NIC eth0 towards the outside.
inline Host host() {
    Host made{{link("tap0", 2), link("tap1", 3), link("br0", 4), link("eth0", 5)},
              {address(4, "10.0.0.1"), address(3, "10.1.0.1"), address(5, "192.0.2.1"),
               address(5, "192.0.2.2")}};
    made.links[0].master = 4;
    made.links[2].mtu = 9000;
    made.links[3].physical = true;
    return made;
}

inline PortSpec port(std::string name, Role role, std::uint16_t id) {
    PortSpec spec;
    spec.name = std::move(name);
    spec.role = role;
    spec.id = id;
    return spec;
}

inline DesiredState desired() {
    DesiredState state;
    state.up = true;
    state.ports = {port("tap0", Role::access, 1), port("tap1", Role::access, 2),
                   port("eth0", Role::uplink, 3)};
    return state;
}

}  // namespace sluice::sample
