// SPDX-License-Identifier: GPL-2.0-or-later
// What the datapath keeps of guarded ports.
#pragma once

#include "loader/kernel/datapath.hpp"

namespace sluice {

/// What a guard that is gone has taken up on its own: MACs and snooped addresses. What was counted
/// stays. To be called while no guard of the port learns.
[[nodiscard]] Result<> forget_learned(const Maps& maps, std::uint16_t id);

/// Forgets all of it, and where MACs were seen, when the id is used again.
[[nodiscard]] Result<> clear_guard_state(const Maps& maps, std::uint16_t id);

}  // namespace sluice
