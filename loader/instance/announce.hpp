// SPDX-License-Identifier: GPL-2.0-or-later
// What sluice itself has changed, told in the stream of events beside what the datapath says.
#pragma once

#include <span>
#include <string>

#include "loader/kernel/datapath.hpp"
#include "sluice/model/port.hpp"

namespace sluice {

/// An event of kind `changed` for each action, at most a few dozen: the rest is counted in the last
/// one. The event's port is the one that the action names.
void announce(const Datapath& datapath, std::span<const std::string> actions,
              std::span<const PortSpec> ports);

}  // namespace sluice
