// SPDX-License-Identifier: GPL-2.0-or-later
// A ring in shared memory that the datapath writes, the newest over the oldest, and never waits for
// (sluice/abi/event.h): each record has a number, 0 while it is written.
#pragma once

#include <linux/types.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sluice {

template <class Record>
struct RingBatch {
    std::vector<Record> records;  ///< oldest first
    std::uint64_t lost = 0;       ///< written over before they could be read
};

/// One reader of a ring. Not thread-safe; any number of readers may look at one ring.
/// @tparam Record has a __u64 `number`
template <class Record>
class RingReader {
public:
    /// Begins with the oldest record in the ring.
    /// @param ring, newest shared with the datapath, which writes them at any time
    RingReader(std::span<Record> ring, __u64& newest) : ring_(ring), newest_(&newest) {
        const auto last = this->newest();
        next_ = last > ring_.size() ? last - ring_.size() + 1 : 1;
    }

    /// What is new. Ends before a record that is being written: the next call has it.
    [[nodiscard]] RingBatch<Record> read() {
        RingBatch<Record> batch;
        const auto last = newest();
        for (; next_ <= last; ++next_) {
            const auto record = wait_for(next_);
            if (record)
                batch.records.push_back(*record);
            else if (overtaken(next_))
                ++batch.lost;
            else
                break;
        }
        return batch;
    }

    /// Only what comes from now on.
    void skip_to_end() { next_ = newest() + 1; }

private:
    [[nodiscard]] std::uint64_t newest() const {
        return std::atomic_ref(*newest_).load(std::memory_order_acquire);
    }

    /// Its slot is another record's by now.
    [[nodiscard]] bool overtaken(std::uint64_t number) const {
        return number + ring_.size() <= newest();
    }

    /// A writer needs a microsecond, unless something interrupts it.
    [[nodiscard]] std::optional<Record> wait_for(std::uint64_t number) const {
        constexpr int most_looks = 100;
        auto record = copy(number);
        for (int look = 1; look < most_looks && !record && !overtaken(number); ++look) {
            sched_yield();
            record = copy(number);
        }
        return record;
    }

    /// Whole and of this number. None: it is being written, or written over.
    [[nodiscard]] std::optional<Record> copy(std::uint64_t number) const {
        auto& slot = ring_[(number - 1) % ring_.size()];
        const std::atomic_ref slot_number(slot.number);
        if (slot_number.load(std::memory_order_acquire) != number) return std::nullopt;
        const Record record = slot;
        std::atomic_thread_fence(std::memory_order_acquire);
        if (slot_number.load(std::memory_order_relaxed) != number) return std::nullopt;
        return record;
    }

    std::span<Record> ring_;
    __u64* newest_;
    std::uint64_t next_;  ///< number of the record to read next
};

}  // namespace sluice
