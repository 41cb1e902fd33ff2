// SPDX-License-Identifier: GPL-2.0-or-later
// What the datapath keeps of the ports of the switch.
#pragma once

#include "loader/kernel/datapath.hpp"

namespace sluice {

/// The switch closes it no longer; nothing else of its state is touched.
void open_port(const Maps& maps, std::uint16_t id);

/// Forgets all of it, when the id is used again.
void clear_switch_state(const Maps& maps, std::uint16_t id);

}  // namespace sluice
