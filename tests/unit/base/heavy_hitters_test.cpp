// SPDX-License-Identifier: GPL-2.0-or-later
// The greatest sums of a stream, in bounded memory.
#include "loader/base/heavy_hitters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(HeavyHitters, ExactWhileKeysAreFew) {
    HeavyHitters<int> sums(2);
    for (const int key : {1, 2, 3, 4, 1, 3}) sums.add(key, 10);
    sums.add(5, 0);
    EXPECT_THAT(sums.greatest(10), ElementsAre(Pair(1, 20), Pair(3, 20), Pair(2, 10), Pair(4, 10)));
    EXPECT_THAT(sums.greatest(1), ElementsAre(Pair(1, 20)));
    EXPECT_TRUE(sums.greatest(0).empty());
}

/// Never too high, and too low by at most all / kept, however the stream is made.
TEST(HeavyHitters, IsWithinItsBound) {
    constexpr std::size_t kept = 50;
    std::mt19937_64 random(1);
    for (const double skew : {0.5, 1.0, 3.0}) {
        HeavyHitters<std::uint64_t> sums(kept);
        std::map<std::uint64_t, std::uint64_t> exact;
        std::uint64_t all = 0;
        std::exponential_distribution<double> keys(skew / 1000);
        for (int i = 0; i < 100'000; ++i) {
            const auto key = static_cast<std::uint64_t>(keys(random));
            const auto weight = random() % 1500;
            sums.add(key, weight);
            exact[key] += weight;
            all += weight;
        }
        std::map<std::uint64_t, std::uint64_t> found;
        for (const auto& [key, sum] : sums.greatest(1'000'000)) found[key] = sum;
        EXPECT_LE(found.size(), 2 * kept);
        for (const auto& [key, sum] : exact) {
            EXPECT_LE(found[key], sum);
            EXPECT_GE(found[key] + all / kept, sum);
        }
    }
}

}  // namespace
}  // namespace sluice
