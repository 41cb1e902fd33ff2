// SPDX-License-Identifier: GPL-2.0-or-later
// The datapath's ways with bits, built for the host and held against counting by hand.
#include "bpf/lib/bits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace sluice {
namespace {

std::vector<std::uint32_t> set_bits(std::uint64_t word) {
    std::vector<std::uint32_t> indexes;
    for (std::uint32_t i = 0; i < 64; ++i)
        if ((word >> i & 1) != 0) indexes.push_back(i);
    return indexes;
}

/// Words with few bits, with many, and with the ends of the range.
std::vector<std::uint64_t> words() {
    std::vector<std::uint64_t> result{1, 2, 1ULL << 63, ~0ULL, ~0ULL >> 1, ~1ULL};
    std::mt19937_64 dice(7);
    for (int i = 0; i < 1000; ++i) {
        result.push_back(dice() | 1);
        result.push_back((dice() & dice() & dice()) | 1ULL << dice() % 64);
        result.push_back(dice() | dice() | dice());
    }
    return result;
}

TEST(Bits, AreCountedAndFound) {
    for (const auto word : words()) {
        const auto indexes = set_bits(word);
        ASSERT_EQ(sl_count_bits(word), indexes.size()) << word;
        ASSERT_EQ(sl_lowest_bit(word), indexes.front()) << word;
        ASSERT_EQ(sl_highest_bit(word), indexes.back()) << word;
        for (std::uint32_t nth = 0; nth < indexes.size(); ++nth)
            ASSERT_EQ(sl_nth_bit(word, nth), indexes[nth]) << word << ", " << nth;
    }
}

}  // namespace
}  // namespace sluice
