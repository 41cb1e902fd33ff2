// SPDX-License-Identifier: GPL-2.0-or-later
// A flow table as the tests see it: all slots are gone through, so that nothing is taken for found
// or gone that the datapath alone would find or not.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "sluice/abi/flow_table.h"

namespace sluice::test {

/// Memory of an array map with BPF_F_MMAPABLE, for as long as it is held.
template <class Value>
class Mapped {
public:
    Mapped() = default;
    Mapped(int fd, std::size_t entries) : entries_(entries) {
        void* memory = mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            ADD_FAILURE() << "mmap: " << std::strerror(errno);
        else
            memory_ = static_cast<Value*>(memory);
    }
    Mapped(Mapped&& other) noexcept { swap(other); }
    Mapped& operator=(Mapped&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Mapped() {
        if (memory_ != nullptr) munmap(memory_, bytes());
    }

    [[nodiscard]] std::span<Value> all() const {
        return {memory_, memory_ != nullptr ? entries_ : 0};
    }
    void clear() const {
        if (memory_ != nullptr) std::memset(static_cast<void*>(memory_), 0, bytes());
    }

private:
    [[nodiscard]] std::size_t bytes() const { return entries_ * sizeof(Value); }
    void swap(Mapped& other) {
        std::swap(memory_, other.memory_);
        std::swap(entries_, other.entries_);
    }

    Value* memory_ = nullptr;
    std::size_t entries_ = 0;
};

template <class Key>
class FlowView {
public:
    static constexpr bool v4 = std::is_same_v<Key, sl_key4>;
    using Slot = std::conditional_t<v4, sl_flow4, sl_flow6>;

    FlowView() = default;
    FlowView(int slots, int tags, int births, std::size_t groups)
        : slots_(slots, groups * SL_FLOW_SLOTS), groups_(tags, groups) {
        if constexpr (v4) births_ = Mapped<sl_birth>(births, groups * SL_FLOW_SLOTS);
    }

    [[nodiscard]] std::vector<std::pair<Key, sl_flow>> entries() const {
        std::vector<std::pair<Key, sl_flow>> all;
        for (const Slot& slot : slots_.all())
            if (is_live(slot.key)) all.emplace_back(plain(slot.key), slot.flow);
        return all;
    }

    [[nodiscard]] std::optional<sl_flow> get(const Key& key) const {
        const Slot* slot = find(key);
        return slot != nullptr ? std::optional(slot->flow) : std::nullopt;
    }

    [[nodiscard]] std::optional<sl_birth> birth(const Key& key) const {
        const Slot* slot = find(key);
        if (slot == nullptr) return std::nullopt;
        if constexpr (v4)
            return births_.all()[static_cast<std::size_t>(slot - slots_.all().data())];
        else
            return slot->birth;
    }

    /// Over the entry that is there.
    void put(const Key& key, const sl_flow& flow) const {
        Slot* slot = find(key);
        if (slot != nullptr)
            slot->flow = flow;
        else
            ADD_FAILURE() << "no such flow";
    }

    /// Slots with a tag, from this group on: as many as there are entries.
    [[nodiscard]] std::size_t tagged(std::size_t first = 0) const {
        std::size_t count = 0;
        for (const auto& group : groups_.all().subspan(first))
            for (std::size_t i = 0; i < SL_FLOW_SLOTS; ++i) count += group.tags[i] != 0;
        return count;
    }

    void clear() const {
        slots_.clear();
        groups_.clear();
        births_.clear();
    }

private:
    static Key plain(Key key) {
        key.kind &= static_cast<__u8>(~(SL_KEY_LIVE | SL_KEY_DEAD));
        return key;
    }
    static bool is_live(const Key& key) { return (key.kind & SL_KEY_LIVE) != 0; }

    /// No key may be there twice.
    [[nodiscard]] Slot* find(const Key& key) const {
        Slot* found = nullptr;
        for (Slot& slot : slots_.all()) {
            const Key there = plain(slot.key);
            if (!is_live(slot.key) || std::memcmp(&there, &key, sizeof(Key)) != 0) continue;
            EXPECT_EQ(found, nullptr) << "a flow has two entries";
            found = &slot;
        }
        return found;
    }

    Mapped<Slot> slots_;
    Mapped<sl_flow_group> groups_;
    Mapped<sl_birth> births_;
};

}  // namespace sluice::test
