// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/policy/classes.hpp"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <limits>

namespace sluice {
namespace {

constexpr std::size_t policy_blocks = SL_POLICY_BITS / SL_POLICY_BLOCK_BITS;

sl_policy_value value_of(PolicyNumber number) {
    return {static_cast<__u64>(number >> 64), static_cast<__u64>(number)};
}

/// The set of rules that changes from value to value; only what changed is looked up anew.
class RunningSet {
public:
    explicit RunningSet(PolicyLines& lines) : lines_(lines) { stale_.set(); }

    void toggle(std::uint32_t bit) {
        words_[bit / 64] ^= std::uint64_t{1} << bit % 64;
        stale_.set(bit / SL_POLICY_BLOCK_BITS);
    }

    std::uint32_t line() {
        for (std::size_t block = 0; block < policy_blocks; ++block)
            if (stale_[block]) refresh(block);
        stale_.reset();
        return lines_.set(set_);
    }

private:
    void refresh(std::size_t number) {
        PolicyLines::Block block;
        const std::size_t first = number * block.size();
        std::copy_n(words_.begin() + static_cast<std::ptrdiff_t>(first), block.size(),
                    block.begin());
        set_.block[number] = lines_.block(block);
        for (std::size_t word = first; word < first + block.size(); ++word) {
            const auto mask = std::uint64_t{1} << word % 64;
            auto& summary = set_.summary[word / 64];
            summary = words_[word] != 0 ? summary | mask : summary & ~mask;
        }
    }

    PolicyLines& lines_;
    std::array<std::uint64_t, SL_POLICY_WORDS> words_{};
    std::bitset<policy_blocks> stale_;
    sl_policy_class set_{};
};

/// A subtree, and the first value that it is for.
struct PolicyBranch {
    PolicyNumber first = 0;
    std::uint32_t child = 0;
};

/// Up to four branches become one.
PolicyBranch join_branches(PolicyLines& lines, std::span<const PolicyBranch> branches) {
    if (branches.size() == 1) return branches[0];
    sl_policy_line line{};
    for (std::size_t i = 0; i < 4; ++i)
        line.node.child[i] = branches[std::min(i, branches.size() - 1)].child;
    for (std::size_t i = 0; i < 3; ++i)  // nothing is greater than the last bounds of a part
        line.node.bound[i] = value_of(i + 1 < branches.size() ? branches[i + 1].first - 1
                                                              : ~static_cast<PolicyNumber>(0));
    return {branches[0].first, lines.add(line)};
}

std::uint32_t build_tree(PolicyLines& lines, std::vector<PolicyBranch> branches) {
    while (branches.size() > 1) {
        std::vector<PolicyBranch> above;
        for (std::size_t i = 0; i < branches.size(); i += 4)
            above.push_back(join_branches(
                lines,
                std::span(branches).subspan(i, std::min<std::size_t>(4, branches.size() - i))));
        branches = std::move(above);
    }
    return branches.front().child;
}

}  // namespace

std::size_t PolicyLines::HashWords::operator()(std::span<const std::uint64_t> words) const {
    std::uint64_t hash = 0;
    for (const auto word : words) {
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;  // 2^64 / the golden ratio
        hash ^= hash >> 32;
    }
    return hash;
}

std::uint32_t PolicyLines::add(const sl_policy_line& line) {
    lines_.push_back(line);
    return static_cast<std::uint32_t>(lines_.size() - 1);
}

std::uint32_t PolicyLines::block(const Block& words) {
    const auto [known, is_new] = blocks_.emplace(words, lines_.size());
    for (std::size_t i = 0; is_new && i < words.size(); i += 8) {
        sl_policy_line line;
        std::copy_n(words.begin() + static_cast<std::ptrdiff_t>(i), 8, line.words);
        lines_.push_back(line);
    }
    return known->second;
}

std::uint32_t PolicyLines::set(const sl_policy_class& set) {
    const auto [known, is_new] = sets_.emplace(std::bit_cast<ClassLine>(set), lines_.size());
    if (is_new) lines_.push_back({.set = set});
    return known->second;
}

std::uint32_t add_property(PolicyLines& lines, std::span<const std::uint32_t> everywhere,
                           std::vector<PolicyEdge> edges) {
    RunningSet running(lines);
    for (const auto bit : everywhere) running.toggle(bit);
    std::ranges::sort(edges, {}, &PolicyEdge::at);
    std::vector<PolicyBranch> branches;
    auto next = edges.begin();
    for (PolicyNumber at = 0;;) {
        for (; next != edges.end() && next->at == at; ++next) running.toggle(next->bit);
        const auto child = running.line() | SL_POLICY_LEAF;
        if (branches.empty() || branches.back().child != child) branches.push_back({at, child});
        if (next == edges.end() || lines.overflowed()) break;
        at = next->at;
    }
    return build_tree(lines, std::move(branches));
}

}  // namespace sluice
