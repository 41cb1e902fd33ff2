// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of a policy's image: sets of rules, kept once each, and the trees that lead to them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "loader/policy/image.hpp"

namespace sluice {

__extension__ using PolicyNumber = unsigned __int128;  ///< a value of a property

/// First and last.
struct PolicyInterval {
    PolicyNumber first = 0, last = 0;
    bool operator==(const PolicyInterval&) const = default;
};

/// Where a rule begins or ceases to have nothing against a value.
struct PolicyEdge {
    PolicyNumber at = 0;
    std::uint32_t bit = 0;
};

/// The lines of an image in the making.
class PolicyLines {
public:
    [[nodiscard]] std::uint32_t add(const sl_policy_line& line);
    [[nodiscard]] sl_policy_line& operator[](std::uint32_t number) { return lines_[number]; }
    [[nodiscard]] bool overflowed() const { return lines_.size() > SL_POLICY_LINES_MAX; }
    [[nodiscard]] PolicyImage take() { return std::move(lines_); }

    static constexpr std::size_t block_words = SL_POLICY_BLOCK_BITS / 64;
    using Block = std::array<std::uint64_t, block_words>;
    using ClassLine = std::array<std::uint64_t, 8>;

    /// The first line of the block, which is there once however often it is asked for.
    [[nodiscard]] std::uint32_t block(const Block& words);
    /// The line of a class.
    [[nodiscard]] std::uint32_t set(const sl_policy_class& set);

private:
    struct HashWords {
        std::size_t operator()(std::span<const std::uint64_t> words) const;
    };

    PolicyImage lines_;
    std::unordered_map<Block, std::uint32_t, HashWords> blocks_;
    std::unordered_map<ClassLine, std::uint32_t, HashWords> sets_;
};

/// Puts the classes of a property's values into the image, and the tree of them.
/// @param everywhere bits that are in all classes
/// @param edges each turns its bit on or off from its value on; ordered here
/// @return the root, as a node's child
[[nodiscard]] std::uint32_t add_property(PolicyLines& lines,
                                         std::span<const std::uint32_t> everywhere,
                                         std::vector<PolicyEdge> edges);

}  // namespace sluice
