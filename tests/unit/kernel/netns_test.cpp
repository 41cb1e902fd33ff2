// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/netns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(Netns, NameIsShortForItsPath) {
    EXPECT_EQ(netns_path("blue"), "/run/netns/blue");
    EXPECT_EQ(netns_path("/proc/1/ns/net"), "/proc/1/ns/net");
    EXPECT_EQ(netns_path("./blue"), "./blue");
}

TEST(Netns, OneThatIsNotThereIsNotFound) {
    const auto entered = enter_netns("sluice-unit-none");
    ASSERT_FALSE(entered);
    EXPECT_EQ(entered.error().code, ErrorCode::not_found);
    EXPECT_THAT(entered.error().message, HasSubstr("sluice-unit-none"));
}

TEST(Netns, CurrentIsOneAndTheSame) {
    ASSERT_TRUE(current_netns());
    EXPECT_EQ(*current_netns(), *current_netns());
    EXPECT_NE(current_netns()->ino, 0u);
}

}  // namespace
}  // namespace sluice
