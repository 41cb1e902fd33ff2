// SPDX-License-Identifier: GPL-2.0-or-later
// The greatest sums of a long stream, in memory that does not grow with it: Misra and Gries,
// "Finding repeated elements" (1982), with weights.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice {

/// Sums are exact while there are at most 2 * `kept` keys. Beyond that one may be too low, by at
/// most all weights together divided by `kept`; none is too high. Not thread-safe.
template <class Key, class Hash = std::hash<Key>>
class HeavyHitters {
public:
    /// @param kept at least 1
    explicit HeavyHitters(std::size_t kept) : kept_(kept) { sums_.reserve(2 * kept + 1); }

    void add(const Key& key, std::uint64_t weight) {
        if (weight == 0) return;
        sums_[key] += weight;
        if (sums_.size() > 2 * kept_) prune();
    }

    /// Greatest first, equal ones in the order of their keys.
    [[nodiscard]] std::vector<std::pair<Key, std::uint64_t>> greatest(std::size_t count) const {
        std::vector<std::pair<Key, std::uint64_t>> all(sums_.begin(), sums_.end());
        std::ranges::sort(all, [](const auto& a, const auto& b) {
            return a.second != b.second ? a.second > b.second : a.first < b.first;
        });
        all.resize(std::min(all.size(), count));
        return all;
    }

private:
    /// Takes the sum in the middle off all that are greater, and forgets the others. So whatever is
    /// taken off one key is taken off `kept` others too: hence the bound.
    void prune() {
        std::vector<std::uint64_t> sums;
        sums.reserve(sums_.size());
        for (const auto& [key, sum] : sums_) sums.push_back(sum);
        const auto middle = sums.begin() + static_cast<std::ptrdiff_t>(kept_);
        std::ranges::nth_element(sums, middle, std::greater{});
        std::erase_if(sums_, [cut = *middle](const auto& it) { return it.second <= cut; });
        for (auto& [key, sum] : sums_) sum -= *middle;
    }

    std::size_t kept_;
    std::unordered_map<Key, std::uint64_t, Hash> sums_;
};

}  // namespace sluice
