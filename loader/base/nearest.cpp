// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace sluice {
namespace {

constexpr std::size_t most_changes = 2;

/// Levenshtein distance: how many letters must be changed, added or left out.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

std::optional<std::string_view> nearest_name(std::span<const std::string_view> names,
                                             std::string_view written) {
    std::optional<std::string_view> nearest;
    std::size_t least = most_changes + 1;
    for (const auto name : names) {
        const auto changes = distance(name, written);
        // All letters changed is no likeness, so that `x` is not taken for `vm`.
        if (changes >= std::min(least, std::max(name.size(), written.size()))) continue;
        nearest = name;
        least = changes;
    }
    return nearest;
}

}  // namespace sluice
