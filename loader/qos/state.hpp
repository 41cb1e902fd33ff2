// SPDX-License-Identifier: GPL-2.0-or-later
// What the datapath keeps of the rates of ports.
#pragma once

#include "loader/kernel/datapath.hpp"

namespace sluice {

/// Its rates begin anew, with full bursts.
void fill_buckets(const Maps& maps, std::uint16_t id);

/// Forgets all of it, counters too, when the id is used again.
[[nodiscard]] Result<> clear_qos_state(const Maps& maps, std::uint16_t id);

}  // namespace sluice
