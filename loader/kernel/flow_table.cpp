// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/flow_table.hpp"

#include <atomic>
#include <cstring>

namespace sluice {
namespace {

template <class Key>
constexpr std::size_t word_count = sizeof(Key) / sizeof(__u64);

/// The key's last word, which says whether there is one.
template <class Key>
__u64 last_word(const Key& key) {
    auto* words = reinterpret_cast<sl_word*>(const_cast<Key*>(&key));
    return __atomic_load_n(&words[word_count<Key> - 1], __ATOMIC_ACQUIRE);
}

template <class Key>
__u64 hash_of(const Key& key, const sl_seed& seed) {
    return sl_hash(reinterpret_cast<const sl_word*>(&key), word_count<Key>, &seed);
}

bool same(const void* a, const void* b, std::size_t bytes) { return std::memcmp(a, b, bytes) == 0; }

}  // namespace

template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
Result<FlowTable<Key>> FlowTable<Key>::open(const Pins& pins, const sl_seed& seed) {
    constexpr bool v4 = std::same_as<Key, sl_key4>;
    SL_TRY(slots, MappedArray<Slot>::open(pins.map(v4 ? "sl_flows4" : "sl_flows6")));
    SL_TRY(groups,
           MappedArray<sl_flow_group>::open(pins.map(v4 ? "sl_flow_groups4" : "sl_flow_groups6")));
    std::optional<MappedArray<sl_birth>> births;
    if constexpr (v4) {
        SL_TRY(opened, MappedArray<sl_birth>::open(pins.map("sl_births4")));
        births.emplace(std::move(opened));
    }
    SL_TRY(rules, MappedArray<sl_rules>::open(pins.map("sl_rules")));
    return FlowTable(std::move(slots), std::move(groups), std::move(births), std::move(rules),
                     seed);
}

/// A copy counts if the key was there before and after.
template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
std::optional<FlowEntry<Key>> FlowTable<Key>::read(std::size_t slot) const {
    const auto& there = slots_.entries()[slot];
    const __u64 live = last_word(there.key);
    if ((live & SL_FLOW_LIVE) == 0) return std::nullopt;
    FlowEntry<Key> entry{there.key, there.flow, {}};
    if constexpr (std::same_as<Key, sl_key4>)
        entry.birth = births_->entries()[slot];
    else
        entry.birth = there.birth;
    std::atomic_thread_fence(std::memory_order_acquire);
    if (last_word(there.key) != live || last_word(entry.key) != live) return std::nullopt;
    entry.key.kind &= static_cast<__u8>(~SL_KEY_LIVE);
    return entry;
}

template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
std::optional<std::size_t> FlowTable<Key>::find(const Key& key) const {
    const auto groups = groups_.entries();
    const auto hash = hash_of(key, seed_);
    Key live = key;
    live.kind |= SL_KEY_LIVE;
    const auto count = static_cast<__u32>(groups.size());
    for (__u32 place = 0; place < sl_flow_places(count); ++place) {
        const std::size_t group = sl_flow_place(hash, count, place);
        for (std::size_t i = 0; i < SL_FLOW_SLOTS; ++i) {
            const auto slot = group * SL_FLOW_SLOTS + i;
            if (groups[group].tags[i] == sl_flow_tag(hash) &&
                same(&slots_.entries()[slot].key, &live, sizeof(Key)))
                return slot;
        }
    }
    return std::nullopt;
}

template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
std::optional<FlowEntry<Key>> FlowTable<Key>::lookup(const Key& key) const {
    const auto slot = find(key);
    if (!slot) return std::nullopt;
    auto entry = read(*slot);
    if (entry && !same(&entry->key, &key, sizeof(Key))) entry.reset();
    return entry;
}

template <class Key>
    requires std::same_as<Key, sl_key4> || std::same_as<Key, sl_key6>
bool FlowTable<Key>::mark(const Key& key, std::uint8_t flags) const {
    const auto slot = find(key);
    if (!slot) return false;
    auto& flow = slots_.entries()[*slot].flow;
    std::atomic_ref(flow.flags).fetch_or(flags);
    std::atomic_ref(flow.rules).store(0);
    std::atomic_ref(rules_.entries()[0].recheck).fetch_add(1);
    return true;
}

template class FlowTable<sl_key4>;
template class FlowTable<sl_key6>;

}  // namespace sluice
