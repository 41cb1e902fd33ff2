// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/guard/state.hpp"

#include <vector>

namespace sluice {
namespace {

template <class Key, class Value>
Result<> erase_of_port(const Map<Key, Value>& map, std::uint16_t id) {
    std::vector<Key> keys;
    SL_CHECK(map.for_each([&](const Key& key, const Value&) {
        if (key.port == id) keys.push_back(key);
        return true;
    }));
    for (const auto& key : keys) SL_CHECK(map.erase(key));
    return {};
}

}  // namespace

Result<> forget_learned(const Maps& maps, std::uint16_t id) {
    SL_CHECK(erase_of_port(maps.learned_macs, id));
    SL_CHECK(erase_of_port(maps.learned_addrs, id));
    SL_TRY(state, maps.guard_states.lookup(id));
    if (!state) return {};
    sl_guard_state counts{};
    counts.duplicates = state->duplicates;
    counts.foreign = state->foreign;
    return maps.guard_states.update(id, counts);
}

Result<> clear_guard_state(const Maps& maps, std::uint16_t id) {
    for (__u32 slot = 0; slot < SL_SIGHTINGS; ++slot)
        SL_CHECK(maps.sightings.update(id * SL_SIGHTINGS + slot, 0));
    SL_CHECK(forget_learned(maps, id));
    return maps.guard_states.update(id, sl_guard_state{});
}

}  // namespace sluice
