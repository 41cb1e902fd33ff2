// SPDX-License-Identifier: GPL-2.0-or-later
#include "loader/kernel/link.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(Links, LoopbackIsThere) {
    const auto link = find_link("lo");
    ASSERT_TRUE(link) << link.error().message;
    EXPECT_EQ(link->name, "lo");
    EXPECT_FALSE(link->ethernet);
    EXPECT_FALSE(link->physical);
    EXPECT_EQ(find_link(link->ifindex)->name, "lo");
    const auto links = list_links();
    ASSERT_TRUE(links);
    EXPECT_TRUE(std::ranges::any_of(*links, [](const Link& found) { return found.name == "lo"; }));
}

TEST(Links, UnknownOnesAreNotFound) {
    EXPECT_EQ(find_link("sluice-none").error().code, ErrorCode::not_found);
    EXPECT_THAT(find_link("sluice-none").error().message, HasSubstr("sluice-none"));
    EXPECT_EQ(find_link(0x7ffffff0).error().code, ErrorCode::not_found);
    EXPECT_EQ(find_link("").error().code, ErrorCode::usage);
    EXPECT_EQ(find_link("a234567890123456").error().code, ErrorCode::usage);
}

}  // namespace
}  // namespace sluice
