// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/qos/state.hpp"

#include <atomic>

namespace sluice {

void fill_buckets(const Maps& maps, std::uint16_t id) {
    auto& [in, out] = maps.qos_states.entries()[id];
    for (auto* state : {&in, &out}) {
        std::atomic_ref(state->bytes_at).store(0);
        std::atomic_ref(state->frames_at).store(0);
    }
}

Result<> clear_qos_state(const Maps& maps, std::uint16_t id) {
    fill_buckets(maps, id);
    auto& [in, out] = maps.qos_states.entries()[id];
    for (auto* state : {&in, &out}) {
        std::atomic_ref(state->throttled).store(0);
        std::atomic_ref(state->over_at).store(0);
    }
    for (__u32 number = 0; number < SL_QOS_CLASSES_MAX; ++number)
        SL_CHECK(maps.qos_class_stats.clear(id * SL_QOS_CLASSES_MAX + number));
    return maps.qos_stats.clear(id);
}

}  // namespace sluice
