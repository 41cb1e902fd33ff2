// SPDX-License-Identifier: GPL-2.0-or-later
// A BPF map with the types of its key and value. Failures are test failures,
// not values: a test can't go on meaningfully without its maps.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::test {

template <class Key, class Value>
class MapView {
public:
    explicit MapView(int fd) : fd_(fd) {}

    [[nodiscard]] std::optional<Value> get(const Key& key) const {
        Value value;
        if (bpf_map_lookup_elem(fd_, &key, &value)) return std::nullopt;
        return value;
    }

    void put(const Key& key, const Value& value) const {
        if (bpf_map_update_elem(fd_, &key, &value, BPF_ANY))
            ADD_FAILURE() << "map update: " << std::strerror(errno);
    }

    bool erase(const Key& key) const { return bpf_map_delete_elem(fd_, &key) == 0; }

    [[nodiscard]] std::vector<std::pair<Key, Value>> entries() const {
        std::vector<std::pair<Key, Value>> all;
        Key key, *last = nullptr;
        while (bpf_map_get_next_key(fd_, last, &key) == 0) {
            last = &key;
            if (const auto value = get(key)) all.emplace_back(key, *value);
        }
        return all;
    }

    /// Removes every entry of a hash or trie; an array can't be cleared.
    void clear() const {
        Key key;
        while (bpf_map_get_next_key(fd_, nullptr, &key) == 0) {
            if (erase(key)) continue;
            ADD_FAILURE() << "map delete: " << std::strerror(errno);
            return;
        }
    }

private:
    int fd_;
};

/// An array map with a value for each CPU.
template <class Value>
[[nodiscard]] std::vector<Value> per_cpu(int fd, __u32 index) {
    static_assert(sizeof(Value) % 8 == 0, "the kernel pads each CPU's value to 8 bytes");
    std::vector<Value> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
    if (bpf_map_lookup_elem(fd, &index, values.data()))
        ADD_FAILURE() << "map look-up: " << std::strerror(errno);
    return values;
}

}  // namespace sluice::test
