// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/fdb_table.hpp"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstddef>

namespace sluice {
namespace {

template <class Field>
Field peek(const Field& field) {
    return std::atomic_ref(const_cast<Field&>(field)).load(std::memory_order_acquire);
}

template <class Field>
void poke(Field& field, Field value) {
    std::atomic_ref(field).store(value, std::memory_order_release);
}

sl_fdb copy_of(const sl_fdb& slot) {
    return {peek(slot.key), peek(slot.seen), peek(slot.port), peek(slot.counted)};
}

bool is_entry(const sl_fdb& copy) {
    return copy.key != 0 && copy.port != 0 && copy.seen != SL_FDB_FORGOTTEN;
}

}  // namespace

__u64 fdb_key(const MacAddress& mac, std::uint16_t vlan) {
    __u64 key = static_cast<__u64>(vlan) << SL_FDB_MAC_BITS;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i)
        key |= static_cast<__u64>(mac.bytes[i]) << (8 * i);
    return key;
}

MacAddress fdb_mac(__u64 key) {
    MacAddress mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i)
        mac.bytes[i] = static_cast<std::uint8_t>(key >> (8 * i));
    return mac;
}

std::uint16_t fdb_vlan(__u64 key) { return static_cast<std::uint16_t>(key >> SL_FDB_MAC_BITS); }

Result<FdbTable> FdbTable::open(const std::filesystem::path& pin, const sl_seed& seed) {
    SL_TRY(buckets, MappedArray<sl_fdb_bucket>::open(pin));
    return FdbTable(std::move(buckets), seed);
}

sl_fdb* FdbTable::find(__u64 place, __u64 key) const {
    const auto buckets = buckets_.entries();
    const auto mask = static_cast<__u32>(buckets.size() - 1);
    const __u64 hash = sl_fdb_hash(place, &seed_);
    for (__u32 turn = 0; turn < SL_FDB_CHOICES; ++turn)
        for (auto& slot : buckets[sl_fdb_choice(hash, turn, mask)].slots)
            if (peek(slot.key) == key) return &slot;
    return nullptr;
}

std::optional<sl_fdb> FdbTable::lookup(__u64 key) const {
    const sl_fdb* slot = find(key, key);
    if (slot == nullptr) return std::nullopt;
    const auto copy = copy_of(*slot);
    return copy.key == key && is_entry(copy) ? std::optional(copy) : std::nullopt;
}

void FdbTable::for_each(const std::function<void(const sl_fdb&)>& visit) const {
    for (const auto& bucket : buckets_.entries())
        for (const auto& slot : bucket.slots)
            if (const auto copy = copy_of(slot); is_entry(copy)) visit(copy);
}

/// The datapath may take the same slot, or make the same entry elsewhere, at the same time: as in
/// bpf/switch/learn.h, of two entries the one stays that is found first.
Result<sl_fdb*> FdbTable::take(__u64 key) const {
    while (true) {
        if (sl_fdb* slot = find(key, key)) return slot;
        sl_fdb* slot = find(key, 0);
        if (slot == nullptr)
            return fail(ErrorCode::refused,
                        fmt::format("the table has no room for {}", fdb_mac(key).text()),
                        "start the instance with a larger --max-macs");
        __u64 free = 0;
        if (!std::atomic_ref(slot->key).compare_exchange_strong(free, key)) continue;
        if (find(key, key) == slot) return slot;
        poke(slot->key, __u64{0});
    }
}

Result<> FdbTable::put_static(__u64 key, std::uint16_t port) const {
    SL_TRY(slot, take(key));
    // A frame or the sweeper may come in between.
    do {
        poke(slot->seen, SL_FDB_STATIC);
        poke(slot->port, port);
    } while (peek(slot->seen) != SL_FDB_STATIC || peek(slot->port) != port);
    return {};
}

bool FdbTable::forget(__u64 key) const {
    sl_fdb* slot = find(key, key);
    if (slot == nullptr) return false;
    poke(slot->seen, SL_FDB_FORGOTTEN);
    return true;
}

std::size_t FdbTable::forget_learned(const std::function<bool(const sl_fdb&)>& is_it) const {
    std::size_t count = 0;
    for (auto& bucket : buckets_.entries()) {
        for (auto& slot : bucket.slots) {
            const auto copy = copy_of(slot);
            if (!is_entry(copy) || copy.seen == SL_FDB_STATIC || !is_it(copy)) continue;
            poke(slot.seen, SL_FDB_FORGOTTEN);
            ++count;
        }
    }
    return count;
}

}  // namespace sluice
