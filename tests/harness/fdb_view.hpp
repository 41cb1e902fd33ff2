// SPDX-License-Identifier: GPL-2.0-or-later
// The switch's MAC table as the tests see it: by key, in whichever slot it is.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "sluice/abi/switch.h"
#include "tests/harness/map.hpp"

namespace sluice::test {

class FdbView {
public:
    FdbView(int fd, std::uint32_t buckets, const sl_seed& seed)
        : table_(fd), buckets_(buckets), seed_(seed) {}

    [[nodiscard]] std::optional<sl_fdb> get(std::uint64_t key) const {
        const auto place = find(key, key);
        if (!place) return std::nullopt;
        return table_.get(place->first)->slots[place->second];
    }

    /// Over the entry that is there, or in a free slot. @param entry its key is not looked at
    void put(std::uint64_t key, sl_fdb entry) const {
        auto place = find(key, key);
        if (!place) place = find(key, 0);
        if (!place) {
            ADD_FAILURE() << "no room in the MAC table";
            return;
        }
        entry.key = key;
        write(*place, entry);
    }

    bool erase(std::uint64_t key) const {
        const auto place = find(key, key);
        if (place) write(*place, {});
        return place.has_value();
    }

    [[nodiscard]] std::vector<sl_fdb> entries() const {
        std::vector<sl_fdb> all;
        for (std::uint32_t index = 0; index < buckets_; ++index) {
            const auto bucket = table_.get(index);
            for (const sl_fdb& slot : bucket->slots)
                if (slot.key != 0) all.push_back(slot);
        }
        return all;
    }

    void clear() const {
        for (const sl_fdb& entry : entries()) erase(entry.key);
    }

private:
    using Place = std::pair<std::uint32_t, std::size_t>;  ///< bucket, slot

    [[nodiscard]] std::optional<Place> find(std::uint64_t place, std::uint64_t key) const {
        const std::uint64_t hash = sl_fdb_hash(place, &seed_);
        for (std::uint32_t turn = 0; turn < SL_FDB_CHOICES; ++turn) {
            const auto index = sl_fdb_choice(hash, turn, buckets_ - 1);
            const auto bucket = table_.get(index);
            for (std::size_t slot = 0; slot < SL_FDB_SLOTS; ++slot)
                if (bucket->slots[slot].key == key) return Place{index, slot};
        }
        return std::nullopt;
    }

    void write(const Place& place, const sl_fdb& entry) const {
        auto bucket = *table_.get(place.first);
        bucket.slots[place.second] = entry;
        table_.put(place.first, bucket);
    }

    MapView<std::uint32_t, sl_fdb_bucket> table_;
    std::uint32_t buckets_;
    sl_seed seed_;
};

}  // namespace sluice::test
