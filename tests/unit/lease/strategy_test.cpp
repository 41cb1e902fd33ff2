// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/lease/strategy.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/lease/sample.hpp"

namespace sluice {
namespace {

using sample::pool;

TEST(Strategy, UuidIsTheSameForEver) {
    // These numbers are a promise to every host that has given addresses by them.
    const auto range = *MacRange::parse_prefix("02:1a:2b");
    const std::string uuid = "123e4567-e89b-12d3-a456-426614174000";
    EXPECT_EQ(uuid_hash(uuid, 0, range, 0), 0x3702fa2a5d9190ebull);
    EXPECT_EQ(uuid_hash(uuid, 1, range, 0), 0x82468d22a2f58518ull);
    EXPECT_EQ(uuid_hash(uuid, 0, range, 1), 0x731ef5957fa77420ull);
}

TEST(Strategy, CandidatesAreInsideThePool) {
    for (const auto strategy :
         {MacStrategy::random, MacStrategy::sequential, MacStrategy::uuid, MacStrategy::time}) {
        auto its_pool = pool();
        its_pool.strategy = strategy;
        its_pool.next = its_pool.range.last + 1;
        for (int attempt = 0; attempt < 1000; ++attempt)
            EXPECT_TRUE(its_pool.range.contains(*candidate(its_pool, "u", 0, attempt)));
    }
}

TEST(Strategy, RandomReachesEveryAddress) {
    std::set<std::uint64_t> drawn;
    for (int i = 0; i < 20'000; ++i) drawn.insert(*candidate(pool(), "", 0, i));
    EXPECT_EQ(drawn.size(), 256u);
}

TEST(Strategy, SequentialGoesOnBehindTheLastOne) {
    auto its_pool = pool();
    its_pool.strategy = MacStrategy::sequential;
    its_pool.next = its_pool.range.first + 9;
    EXPECT_EQ(*candidate(its_pool, "", 0, 0), its_pool.range.first + 9);
    its_pool.next = its_pool.range.last + 1;
    EXPECT_EQ(*candidate(its_pool, "", 0, 0), its_pool.range.first) << "and begins anew";
}

}  // namespace
}  // namespace sluice
