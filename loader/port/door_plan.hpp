// SPDX-License-Identifier: GPL-2.0-or-later
// What the door (loader/kernel/door.hpp) has to say, decided without a kernel.
#pragma once

#include <map>

#include "loader/instance/host.hpp"
#include "loader/instance/interface.hpp"
#include "loader/kernel/door.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// By ifindex, of every interface that has the addresses of a port.
using ForwardedBefore = std::map<std::uint32_t, HostForwarding>;

/// When all ports that are there have their programs.
[[nodiscard]] DoorSets plan_door(const std::vector<PortSpec>& ports, const Host& host,
                                 const ForwardedBefore& before);

/// While things change from one to the other: shut to whatever is not on both sides. Closed first,
/// open last.
[[nodiscard]] DoorSets door_between(const DoorSets& now, const DoorSets& wanted);

/// Shut to every port.
[[nodiscard]] DoorSets shut(DoorSets sets);

}  // namespace sluice
