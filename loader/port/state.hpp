// What the datapath keeps for each port id.
#pragma once

#include "loader/kernel/datapath.hpp"

namespace sluice {

/// An id is used again: counters, learned addresses and limits of the port that had it are not
/// this one's. To be called while no port has the id.
[[nodiscard]] Result<> clear_port_state(const Maps& maps, std::uint16_t id);

/// The switch closes it no longer; nothing else of its state is touched.
void open_port(const Maps& maps, std::uint16_t id);

/// Its rates begin anew, with full bursts.
void fill_buckets(const Maps& maps, std::uint16_t id);

/// What a guard that is gone has taken up on its own: MACs and snooped addresses. What was counted
/// stays. To be called while no guard of the port learns.
[[nodiscard]] Result<> forget_learned(const Maps& maps, std::uint16_t id);

}  // namespace sluice
