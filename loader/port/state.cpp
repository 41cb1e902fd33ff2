#include "loader/port/state.hpp"

#include <atomic>
#include <vector>

#include "sluice/abi/reason.h"

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

/// How many MACs it has is the sweeper's to count down.
void clear_switch_state(const Maps& maps, std::uint16_t id) {
    maps.fdb.forget_learned([&](const sl_fdb& entry) { return entry.port == id; });
    open_port(maps, id);
    auto& state = maps.switch_states.entries()[id];
    std::atomic_ref(state.probe_cookie).store(0);
    std::atomic_ref(state.probe_tick).store(0);
    for (auto& tick : state.storm_tick) std::atomic_ref(tick).store(0);
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

}  // namespace

Result<> clear_port_state(const Maps& maps, std::uint16_t id) {
    SL_CHECK(maps.port_stats.clear(id));
    for (__u32 reason = 0; reason < SL_DROP_MAX; ++reason) {
        SL_CHECK(maps.drops.clear(id * SL_DROP_MAX + reason));
        SL_CHECK(maps.audits.clear(id * SL_DROP_MAX + reason));
    }
    for (__u32 subject = 0; subject < SL_EVENT_SUBJECTS; ++subject)
        SL_CHECK(maps.event_limits.update(id * SL_EVENT_SUBJECTS + subject, sl_event_limit{}));
    for (__u32 slot = 0; slot < SL_SIGHTINGS; ++slot)
        SL_CHECK(maps.sightings.update(id * SL_SIGHTINGS + slot, 0));
    SL_CHECK(forget_learned(maps, id));
    clear_switch_state(maps, id);
    SL_CHECK(clear_qos_state(maps, id));
    return maps.guard_states.update(id, sl_guard_state{});
}

void fill_buckets(const Maps& maps, std::uint16_t id) {
    auto& [in, out] = maps.qos_states.entries()[id];
    for (auto* state : {&in, &out}) {
        std::atomic_ref(state->bytes_at).store(0);
        std::atomic_ref(state->frames_at).store(0);
    }
}

void open_port(const Maps& maps, std::uint16_t id) {
    auto& state = maps.switch_states.entries()[id];
    std::atomic_ref(state.closed_until).store(0);
    std::atomic_ref(state.closed).store(SL_OPEN);
    std::atomic_ref(state.closed_by).store(0);
}

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

}  // namespace sluice
