// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/switch/state.hpp"

#include <atomic>

namespace sluice {

void open_port(const Maps& maps, std::uint16_t id) {
    auto& state = maps.switch_states.entries()[id];
    std::atomic_ref(state.closed_until).store(0);
    std::atomic_ref(state.closed).store(SL_OPEN);
    std::atomic_ref(state.closed_by).store(0);
}

/// How many MACs it has is the sweeper's to count down.
void clear_switch_state(const Maps& maps, std::uint16_t id) {
    maps.fdb.forget_learned([&](const sl_fdb& entry) { return entry.port == id; });
    open_port(maps, id);
    auto& state = maps.switch_states.entries()[id];
    std::atomic_ref(state.probe_cookie).store(0);
    std::atomic_ref(state.probe_tick).store(0);
    for (auto& tick : state.storm_tick) std::atomic_ref(tick).store(0);
}

}  // namespace sluice
