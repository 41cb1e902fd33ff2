// SPDX-License-Identifier: GPL-2.0-or-later
// Typed access to pinned BPF maps. A Map may be used by several threads at once, and reads
// run beside the datapath: an entry may change between two reads, and values wider than 8
// bytes are copied without a lock, so a reader may see a few fields older than others.
#pragma once

#include <linux/types.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "loader/base/fd.hpp"
#include "sluice/error.hpp"

namespace sluice {

struct MapInfo {
    std::string name;
    std::uint32_t id = 0;
    std::uint32_t type = 0;  ///< enum bpf_map_type
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t max_entries = 0;
    std::uint64_t memory = 0;  ///< bytes of kernel memory, as its fdinfo says
};

enum class UpdateMode : std::uint64_t {
    any = 0,       ///< BPF_ANY
    create = 1,    ///< BPF_NOEXIST: ErrorCode::refused if the key is there
    existing = 2,  ///< BPF_EXIST: ErrorCode::not_found if it is not
};

/// Kernel memory of a map, in bytes. Errors: refused (it is none).
[[nodiscard]] Result<std::uint64_t> memory_of_map(int fd);

/// Kernel memory of all maps pinned in a folder, in bytes.
[[nodiscard]] Result<std::uint64_t> memory_of_maps(const std::filesystem::path& folder);

/// What the typed maps share: sizes are checked once, when the pin is opened.
class UntypedMap {
public:
    /// Errors: not_found (no pin), refused (the pin is no map, or its sizes differ).
    /// @param key_size 0 for a queue
    [[nodiscard]] static Result<UntypedMap> open(const std::filesystem::path& pin,
                                                 std::size_t key_size, std::size_t value_size);
    /// The same of a map that is open. @param name for messages
    [[nodiscard]] static Result<UntypedMap> adopt(Fd fd, const std::string& name,
                                                  std::size_t key_size, std::size_t value_size);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] const MapInfo& info() const { return info_; }

    /// @return whether the key was there
    [[nodiscard]] Result<bool> lookup(const void* key, void* value) const;
    [[nodiscard]] Result<> update(const void* key, const void* value, UpdateMode mode) const;
    [[nodiscard]] Result<bool> erase(const void* key) const;

    /// @return false to stop the walk
    using Visitor = std::function<bool(const std::byte* key, const std::byte* value)>;
    /// Walks in batches of bounded size (bpf_map_lookup_batch), key by key where the kernel
    /// has no batches for this type. Entries made or deleted meanwhile may be missed.
    /// @param value_size bytes of one value as user space sees it
    [[nodiscard]] Result<> walk(std::size_t value_size, const Visitor& visit) const;

private:
    [[nodiscard]] Result<> walk_keys(std::size_t value_size, const Visitor& visit) const;

    Fd fd_;
    MapInfo info_;
};

/// Kernel memory of a map, shared read-write; unmapped when it goes.
class Memory {
public:
    [[nodiscard]] static Result<Memory> map(const UntypedMap& map, std::size_t bytes);
    Memory(Memory&& other) noexcept
        : address_(std::exchange(other.address_, nullptr)), bytes_(other.bytes_) {}
    Memory& operator=(Memory&&) = delete;
    ~Memory();

    [[nodiscard]] void* address() const { return address_; }

private:
    Memory(void* address, std::size_t bytes) : address_(address), bytes_(bytes) {}
    void* address_;
    std::size_t bytes_;
};

template <class Key, class Value>
    requires std::is_trivially_copyable_v<Key> && std::is_trivially_copyable_v<Value>
class Map {
public:
    [[nodiscard]] static Result<Map> open(const std::filesystem::path& pin) {
        SL_TRY(map, UntypedMap::open(pin, sizeof(Key), sizeof(Value)));
        return Map(std::move(map));
    }

    [[nodiscard]] Result<std::optional<Value>> lookup(const Key& key) const {
        Value value;
        SL_TRY(found, map_.lookup(&key, &value));
        return found ? std::optional(value) : std::nullopt;
    }
    [[nodiscard]] Result<> update(const Key& key, const Value& value,
                                  UpdateMode mode = UpdateMode::any) const {
        return map_.update(&key, &value, mode);
    }
    /// @return whether the key was there
    [[nodiscard]] Result<bool> erase(const Key& key) const { return map_.erase(&key); }

    /// @param visit bool(const Key&, const Value&): false stops. It may erase entries.
    template <std::predicate<const Key&, const Value&> Visit>
    [[nodiscard]] Result<> for_each(Visit&& visit) const {
        return map_.walk(sizeof(Value), [&](const std::byte* key, const std::byte* value) {
            return visit(*reinterpret_cast<const Key*>(key),
                         *reinterpret_cast<const Value*>(value));
        });
    }

    [[nodiscard]] int fd() const { return map_.fd(); }
    [[nodiscard]] const MapInfo& info() const { return map_.info(); }

private:
    explicit Map(UntypedMap map) : map_(std::move(map)) {}
    UntypedMap map_;
};

/// An array map mapped into memory (BPF_F_MMAPABLE), for entries that user space and datapath
/// both change: through std::atomic_ref, and never by Map::update(), which would undo what
/// the datapath did meanwhile.
template <class Value>
    requires std::is_trivially_copyable_v<Value> && (sizeof(Value) % sizeof(__u64) == 0)
class MappedArray {
public:
    [[nodiscard]] static Result<MappedArray> open(const std::filesystem::path& pin) {
        SL_TRY(map, UntypedMap::open(pin, sizeof(__u32), sizeof(Value)));
        return of(std::move(map));
    }
    [[nodiscard]] static Result<MappedArray> adopt(Fd fd, const std::string& name) {
        SL_TRY(map, UntypedMap::adopt(std::move(fd), name, sizeof(__u32), sizeof(Value)));
        return of(std::move(map));
    }

    /// One entry for each index, shared with the kernel and every other process.
    [[nodiscard]] std::span<Value> entries() const {
        return {static_cast<Value*>(memory_.address()), map_.info().max_entries};
    }
    [[nodiscard]] const MapInfo& info() const { return map_.info(); }

private:
    static Result<MappedArray> of(UntypedMap map) {
        SL_TRY(memory, Memory::map(map, sizeof(Value) * map.info().max_entries));
        return MappedArray(std::move(map), std::move(memory));
    }
    MappedArray(UntypedMap map, Memory memory) : map_(std::move(map)), memory_(std::move(memory)) {}

    UntypedMap map_;
    Memory memory_;
};

/// Adds up one value of a per-CPU map, taken as 64-bit words.
/// @param per_cpu one copy of `sum` for each possible CPU
void sum_words(std::span<const std::uint64_t> per_cpu, std::span<std::uint64_t> sum);

/// Possible CPUs: the number of copies in a per-CPU value.
[[nodiscard]] std::size_t possible_cpus();

/// A per-CPU array of counters: structs that are nothing but __u64.
template <class Value>
    requires std::is_trivially_copyable_v<Value> && (sizeof(Value) % sizeof(__u64) == 0)
class CounterArray {
public:
    [[nodiscard]] static Result<CounterArray> open(const std::filesystem::path& pin) {
        SL_TRY(map, UntypedMap::open(pin, sizeof(__u32), sizeof(Value)));
        return CounterArray(std::move(map));
    }

    /// The sum over all CPUs.
    [[nodiscard]] Result<Value> read(__u32 index) const {
        std::vector<std::uint64_t> values(words * possible_cpus());
        SL_TRY(found, map_.lookup(&index, values.data()));
        if (!found) return fail(ErrorCode::not_found, "no such counter in " + map_.info().name);
        return summed(values.data());
    }
    /// Sets it to zero on every CPU.
    [[nodiscard]] Result<> clear(__u32 index) const {
        const std::vector<std::uint64_t> zero(words * possible_cpus());
        return map_.update(&index, zero.data(), UpdateMode::any);
    }
    /// @param visit bool(__u32 index, const Value& sum): false stops
    template <std::predicate<__u32, const Value&> Visit>
    [[nodiscard]] Result<> for_each(Visit&& visit) const {
        const std::size_t size = sizeof(Value) * possible_cpus();
        return map_.walk(size, [&](const std::byte* key, const std::byte* value) {
            return visit(*reinterpret_cast<const __u32*>(key),
                         summed(reinterpret_cast<const std::uint64_t*>(value)));
        });
    }

    [[nodiscard]] const MapInfo& info() const { return map_.info(); }

private:
    static constexpr std::size_t words = sizeof(Value) / sizeof(__u64);

    explicit CounterArray(UntypedMap map) : map_(std::move(map)) {}

    static Value summed(const std::uint64_t* values) {
        Value sum{};
        sum_words({values, words * possible_cpus()},
                  {reinterpret_cast<std::uint64_t*>(&sum), words});
        return sum;
    }

    UntypedMap map_;
};

}  // namespace sluice
