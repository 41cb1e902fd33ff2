// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/map.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace sluice {
namespace {

TEST(Counters, AreSummedWordByWord) {
    const std::vector<std::uint64_t> per_cpu{1, 10, 2, 20, 3, UINT64_MAX};
    std::vector<std::uint64_t> sum{7, 7};
    sum_words(per_cpu, sum);
    EXPECT_EQ(sum, (std::vector<std::uint64_t>{6, 29}));
    EXPECT_GE(possible_cpus(), 1u);
}

}  // namespace
}  // namespace sluice
